-- The blocklist, in the role of the API.

-- name: blocked_numbers
-- A page of a tenant's blocklist.
SELECT e164, reason, source, created_at FROM blocklist
WHERE tenant_id = $1 AND e164 > $2
ORDER BY e164 LIMIT $3;

-- name: make_blocklist_staging
-- The session's staging table; it empties itself at the end of every transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_block (e164 text NOT NULL, reason text) ON COMMIT DELETE ROWS;

-- name: allow_a_long_blocklist
-- A list of millions takes longer than any other statement may.
SET LOCAL statement_timeout = '15min';

-- name: block_numbers
-- Blocks the staged numbers, each with its reason; tells how many were not blocked before. All at once and in the order
-- of the numbers, so that two additions never wait for each other in a circle, however their lists are ordered.
WITH blocked AS (
    INSERT INTO blocklist (tenant_id, e164, reason, source)
    SELECT $1, e164, min(reason), $2 FROM staged_block GROUP BY e164 ORDER BY e164
    ON CONFLICT (tenant_id, e164) DO NOTHING
    RETURNING 1
)
SELECT count(*) AS added FROM blocked;

-- name: allow_number
-- Allows a number again. No row: it was not blocked.
DELETE FROM blocklist WHERE tenant_id = $1 AND e164 = $2 RETURNING e164;
