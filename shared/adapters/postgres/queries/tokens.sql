-- Tokens in the role of the API: the look-up that begins every request, and what tenants do with their own.

-- name: caller
-- Whose token has this hash, and whether its last use is to be noted; the policy on the table shows only the row that
-- was presented.
SELECT tenant_id, token_id, name AS token_name, role,
       last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '10 min' AS stale
FROM api_token
WHERE secret_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());

-- name: note_use
-- The last use, to ten minutes. A row that another request notes right now is left to it: nobody waits here.
UPDATE api_token SET last_used_at = clock_timestamp()
WHERE (tenant_id, token_id) IN (
    SELECT tenant_id, token_id FROM api_token
    WHERE tenant_id = $1 AND token_id = $2
      AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '10 min')
    FOR NO KEY UPDATE SKIP LOCKED);

-- name: standing_tokens
-- A tenant's tokens that are not revoked.
SELECT token_id, name, role, created_at, expires_at, last_used_at FROM api_token
WHERE tenant_id = $1 AND revoked_at IS NULL
ORDER BY token_id;

-- name: make_token
-- A token by its hash alone, for so many days. No row: the tenant has as many as it may.
INSERT INTO api_token (tenant_id, name, role, secret_hash, expires_at)
SELECT $1, $2, $3, $4, clock_timestamp() + make_interval(days => $5)
WHERE (SELECT count(*) FROM api_token WHERE tenant_id = $1 AND revoked_at IS NULL) < $6
RETURNING token_id, name, role, created_at, expires_at, last_used_at;

-- name: revoke_token
-- A token's end. No row: there is none, or it was revoked before.
UPDATE api_token SET revoked_at = clock_timestamp()
WHERE tenant_id = $1 AND token_id = $2 AND revoked_at IS NULL
RETURNING token_id;
