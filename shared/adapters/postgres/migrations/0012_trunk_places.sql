-- Who is on which trunk, over all dialers: one row per leg, taken right before its INVITE. Kept here and nowhere else, so
-- that nothing is let through that Postgres has not counted. It says nothing of any tenant.

CREATE TABLE trunk_place (
    place_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trunk text NOT NULL,  -- no reference: a trunk may be taken away under its calls
    leg text NOT NULL,  -- its SIP Call-ID
    fence text NOT NULL,  -- of the attempt that it belongs to, without which it is nobody's
    is_second boolean NOT NULL,  -- of a transfer, beside the call itself
    sends_at timestamptz NOT NULL,  -- not before this, and not long after
    over boolean NOT NULL DEFAULT false  -- its channel is free; its instant counts for a second
);
CREATE INDEX trunk_place_by_leg ON trunk_place (leg);
CREATE INDEX trunk_place_in_use ON trunk_place (trunk) WHERE NOT over;
CREATE INDEX trunk_place_second ON trunk_place (trunk) WHERE is_second AND NOT over;
CREATE INDEX trunk_place_in_time ON trunk_place (trunk, sends_at);
-- It is emptied as fast as it is filled: statistics of one moment would be wrong in the next.
ALTER TABLE trunk_place SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

GRANT SELECT, INSERT, UPDATE (over), DELETE ON trunk_place TO paceline_dialer;
GRANT SELECT, UPDATE (over), DELETE ON trunk_place TO paceline_pacer;  -- it updates nothing, but a row lock asks for that
GRANT SELECT (trunk, over) ON trunk_place TO paceline_admin;
