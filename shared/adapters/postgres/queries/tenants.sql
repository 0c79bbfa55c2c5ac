-- What the command line does to tenants and tokens.

-- name: create_tenant
-- A tenant with its first webhook key; one that exists keeps its own.
INSERT INTO tenant (name, webhook_keys) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING;

-- name: tenant_by_name
-- A tenant's id and sealed keys.
SELECT tenant_id, webhook_keys FROM tenant WHERE name = $1;

-- name: create_token
-- A token, by its hash alone, for so many days.
INSERT INTO api_token (tenant_id, name, role, secret_hash, expires_at)
VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(days => $5));

-- name: begin_rotation
-- A new webhook key before the one that there is; what is posted from now on is signed with both. No row: there are two
-- already, or no such tenant.
UPDATE tenant SET webhook_keys = array_prepend($2::bytea, webhook_keys)
WHERE name = $1 AND cardinality(webhook_keys) = 1
RETURNING tenant_id;

-- name: finish_rotation
-- The newest webhook key alone. No row: there is but one, or no such tenant.
UPDATE tenant SET webhook_keys = webhook_keys[1:1]
WHERE name = $1 AND cardinality(webhook_keys) > 1
RETURNING tenant_id;
