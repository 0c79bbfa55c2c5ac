-- What an operator lets a tenant call and as whom; uploads and the gate before every call read it.

-- name: change_number_policy
-- NULL leaves as it is. No row: there is no such tenant.
UPDATE tenant SET countries = COALESCE($2::text[], countries), premium_allowed = COALESCE($3::boolean, premium_allowed),
                  verified_callers_only = COALESCE($4::boolean, verified_callers_only)
WHERE name = $1 RETURNING tenant_id;

-- name: policy_of_tenant
-- What holds for a tenant.
SELECT tenant_id, countries, premium_allowed, verified_callers_only FROM tenant WHERE name = $1;

-- name: verified_callers
-- The caller ids that a tenant may show where only verified ones may be.
SELECT e164 FROM verified_caller WHERE tenant_id = $1 ORDER BY e164;

-- name: verify_caller
-- One more.
INSERT INTO verified_caller (tenant_id, e164) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: forget_caller
-- One less; no row where it was not there.
DELETE FROM verified_caller WHERE tenant_id = $1 AND e164 = $2 RETURNING e164;
