-- What an operator lets a tenant call, and as whom; and trunks that want to be told in a header of its own who calls.

ALTER TABLE tenant
    ADD COLUMN countries text[] NOT NULL DEFAULT '{}' CHECK (array_position(countries, NULL) IS NULL),  -- ISO 3166; none: all
    ADD COLUMN premium_allowed boolean NOT NULL DEFAULT false,  -- premium-rate, shared-cost and satellite numbers
    ADD COLUMN verified_callers_only boolean NOT NULL DEFAULT false;

-- The numbers that a tenant has shown to be its own.
CREATE TABLE verified_caller (
    tenant_id bigint NOT NULL REFERENCES tenant,
    e164 text NOT NULL CHECK (e164 ~ '^[+][0-9]{7,15}$'),
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, e164)
);
ALTER TABLE verified_caller ENABLE ROW LEVEL SECURITY;
ALTER TABLE verified_caller FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON verified_caller
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint);
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON verified_caller
    FOR EACH ROW EXECUTE FUNCTION audit_row('verified_caller', 'e164');

-- The command line acts for the tenant that it names.
GRANT SELECT, INSERT, DELETE ON verified_caller TO paceline_admin;
-- The gate before every call.
GRANT SELECT ON verified_caller TO paceline_api, paceline_dialer;
GRANT SELECT (tenant_id, countries, premium_allowed, verified_callers_only) ON tenant TO paceline_dialer;

ALTER TABLE trunk ADD COLUMN asserted_identity boolean NOT NULL DEFAULT false;  -- P-Asserted-Identity (RFC 3325)
