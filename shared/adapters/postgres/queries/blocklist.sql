-- The blocklist, in the role of the API.

-- name: blocked_numbers
-- A page of a tenant's blocklist.
SELECT e164, reason, source, created_at FROM blocklist
WHERE tenant_id = $1 AND e164 > $2
ORDER BY e164 LIMIT $3;

-- name: block_numbers
-- Blocks numbers, each with its reason; a row for each that was not blocked before. In the order of the numbers, so that
-- two additions never wait for each other.
INSERT INTO blocklist (tenant_id, e164, reason, source)
SELECT $1, e164, min(reason), $4 FROM unnest($2::text[], $3::text[]) AS wanted (e164, reason)
GROUP BY e164 ORDER BY e164
ON CONFLICT (tenant_id, e164) DO NOTHING
RETURNING e164;

-- name: allow_number
-- Allows a number again. No row: it was not blocked.
DELETE FROM blocklist WHERE tenant_id = $1 AND e164 = $2 RETURNING e164;
