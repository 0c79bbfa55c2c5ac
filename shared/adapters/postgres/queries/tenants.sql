-- What the command line does to tenants and tokens.

-- name: create_tenant
-- A tenant with its first webhook key; one that exists keeps its own.
INSERT INTO tenant (name, webhook_keys) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING;

-- name: tenant_by_name
-- A tenant's id and sealed keys.
SELECT tenant_id, webhook_keys FROM tenant WHERE name = $1;

-- name: create_token
-- A token, by its hash alone.
INSERT INTO api_token (tenant_id, name, secret_hash) VALUES ($1, $2, $3);
