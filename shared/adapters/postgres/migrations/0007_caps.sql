-- Caps over the pace, and whose turn it is where there is less room than is wanted.

ALTER TABLE tenant ADD COLUMN calls_at_once integer CHECK (calls_at_once BETWEEN 1 AND 1000000);

-- Ways out. No row: nothing but the dialers bounds how much may leave. A NULL among the enabled ones: no such bound.
CREATE TABLE trunk (
    name text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
    channels integer CHECK (channels BETWEEN 1 AND 1000000),  -- calls at a time
    calls_per_second integer CHECK (calls_per_second BETWEEN 1 AND 10000),  -- new calls in any second
    disabled_at timestamptz
);

-- What a campaign would have claimed at its last look, had there been room; and how many calls it has been given while
-- room was short, which is all that the next share is decided by.
ALTER TABLE campaign_pacing
    ADD COLUMN wants integer NOT NULL DEFAULT 0 CHECK (wants >= 0),
    ADD COLUMN served bigint NOT NULL DEFAULT 0 CHECK (served >= 0);
CREATE INDEX campaign_pacing_short ON campaign_pacing (served) WHERE wants > 0;

CREATE TABLE tenant_turn (
    tenant_id bigint PRIMARY KEY REFERENCES tenant,
    served bigint NOT NULL CHECK (served >= 0)
);
ALTER TABLE tenant_turn ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_turn FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenant_turn
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint);
CREATE POLICY every_tenant ON tenant_turn TO paceline_pacer USING (true);
CREATE POLICY every_tenant ON tenant FOR SELECT TO paceline_pacer USING (true);

GRANT SELECT, INSERT, UPDATE ON tenant_turn TO paceline_pacer;
GRANT SELECT (tenant_id, calls_at_once) ON tenant TO paceline_pacer;
GRANT SELECT ON trunk TO paceline_pacer, paceline_api, paceline_dialer;
GRANT SELECT, INSERT, UPDATE, DELETE ON trunk TO paceline_admin;
-- Who sets a tenant's cap sees what counts against it.
GRANT SELECT (tenant_id, state) ON attempt TO paceline_admin;
CREATE POLICY administered ON attempt FOR SELECT TO paceline_admin USING (true);
