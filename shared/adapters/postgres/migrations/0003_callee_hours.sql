-- Calling hours of the callee, by the time zones that a number may be at home in.
--
-- A number's zones are looked up when it is taken in, and only for a campaign that keeps to callees' hours. Numbers of
-- the same zones open and close together, so each such set is one row of the campaign, and a claim looks into the lines
-- of those that are open: however many numbers wait in the others, they cost nothing.

ALTER TABLE campaign
    ADD COLUMN callee_from_minute integer CHECK (callee_from_minute BETWEEN 0 AND 1439),  -- NULL: at any time
    ADD COLUMN callee_until_minute integer CHECK (callee_until_minute BETWEEN 1 AND 1440),
    ADD CONSTRAINT campaign_callee_hours CHECK (
        (callee_from_minute IS NULL) = (callee_until_minute IS NULL) AND callee_from_minute < callee_until_minute);

CREATE TABLE callee_zones (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    zones_no integer NOT NULL,
    zones text[] NOT NULL CHECK (cardinality(zones) >= 1),  -- IANA names; a number may be at home in any of them
    claimed_batch_no integer NOT NULL DEFAULT 0,  -- a hint, as that of campaign_pacing is for a whole campaign
    claimed_line_no bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, campaign_id, zones_no),
    CONSTRAINT callee_zones_once UNIQUE (tenant_id, campaign_id, zones),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaign
) WITH (fillfactor = 50);  -- one hot update per tick, as campaign_pacing

-- Which of them a number has; NULL where its campaign calls at any time. Not a foreign key: millions of look-ups for
-- rows that the same statement has just read.
ALTER TABLE number ADD COLUMN zones_no integer;
CREATE INDEX number_in_line_by_zones ON number (tenant_id, campaign_id, zones_no, batch_no, line_no)
    WHERE state = 'READY' AND zones_no IS NOT NULL;
CREATE INDEX number_waiting_by_zones ON number (tenant_id, campaign_id, zones_no, next_at)
    WHERE state = 'WAITING' AND zones_no IS NOT NULL;

-- As window_closes_at: known when the attempt is planned, and a gate when it is to be dialed.
ALTER TABLE attempt ADD COLUMN callee_closes_at timestamptz;

ALTER TABLE callee_zones ENABLE ROW LEVEL SECURITY;
ALTER TABLE callee_zones FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON callee_zones
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint);
CREATE POLICY every_tenant ON callee_zones TO paceline_pacer USING (true);
GRANT SELECT, INSERT ON callee_zones TO paceline_api;
GRANT SELECT, UPDATE ON callee_zones TO paceline_pacer;
GRANT SELECT ON callee_zones TO paceline_dialer;
