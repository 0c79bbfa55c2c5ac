-- Where a trunk is and who it knows us as. The table itself came with the caps: a row without an address is a bound on
-- what may leave, and no way out.

ALTER TABLE trunk
    ADD COLUMN host text CHECK (length(host) BETWEEN 1 AND 255),  -- a name or an address
    ADD COLUMN port integer NOT NULL DEFAULT 5060 CHECK (port BETWEEN 1 AND 65535),  -- UDP
    ADD COLUMN username text CHECK (length(username) BETWEEN 1 AND 128),
    ADD COLUMN sealed_secret bytea,  -- by the key of PACELINE_SECRET_KEY_FILE
    ADD COLUMN caller_id text CHECK (caller_id ~ '^[+][0-9]{1,15}$'),  -- shown where nobody else has said one
    ADD COLUMN prefix text NOT NULL DEFAULT '' CHECK (prefix ~ '^[0-9]{0,15}$'),  -- of the numbers that it takes
    ADD COLUMN priority integer NOT NULL DEFAULT 100 CHECK (priority BETWEEN 0 AND 1000000),  -- the smaller, the earlier
    ADD COLUMN pings boolean NOT NULL DEFAULT true,  -- whether it is asked by OPTIONS if it is there
    ADD CONSTRAINT trunk_credentials CHECK ((username IS NULL) = (sealed_secret IS NULL));

-- What counts calls need not see passwords, sealed or not.
REVOKE SELECT ON trunk FROM paceline_pacer, paceline_api;
GRANT SELECT (name, channels, calls_per_second, disabled_at) ON trunk TO paceline_pacer, paceline_api;
