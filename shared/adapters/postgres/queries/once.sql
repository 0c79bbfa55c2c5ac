-- Requests that are done once, in the role of the API.

-- name: kept_answer
-- What a key was answered with within a day.
SELECT fingerprint, status, content_type, body FROM idempotency_key
WHERE tenant_id = $1 AND key = $2 AND answered_at > clock_timestamp() - interval '24 h';

-- name: take_key
-- Whether nobody else holds the key; it is let go with the transaction, however that ends.
SELECT pg_try_advisory_xact_lock(hashtextextended($2, $1));

-- name: keep_answer
-- The answer, in the place of one that has been forgotten.
INSERT INTO idempotency_key (tenant_id, key, fingerprint, status, content_type, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = excluded.status, content_type = excluded.content_type,
    body = excluded.body, answered_at = clock_timestamp();

-- name: forget_old_answers
-- A few of the tenant's answers that are older than a day: more than are added, so that no job need do it.
DELETE FROM idempotency_key WHERE (tenant_id, key) IN (
    SELECT tenant_id, key FROM idempotency_key
    WHERE tenant_id = $1 AND answered_at < clock_timestamp() - interval '24 h'
    ORDER BY answered_at LIMIT 10 FOR UPDATE SKIP LOCKED);
