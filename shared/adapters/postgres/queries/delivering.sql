-- What a deliverer does. Its role sees the deliveries of every tenant, and nothing else of theirs but the keys.

-- name: claim_deliveries
-- QUEUED | RETRY -> SENDING for what is due, and SENDING again for what a silent deliverer held: at most `$2` under
-- way per receiver, so that one that hangs holds up nobody else. Receivers are stepped through by the index.
WITH RECURSIVE receivers AS (
    (SELECT origin FROM delivery WHERE state IN ('QUEUED', 'RETRY') ORDER BY origin LIMIT 1)
    UNION ALL
    SELECT (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.origin > r.origin
            ORDER BY d.origin LIMIT 1)
    FROM receivers r WHERE r.origin IS NOT NULL
), due AS (
    SELECT d.tenant_id, d.campaign_id, d.number_id
    FROM receivers r
    CROSS JOIN LATERAL (
        SELECT tenant_id, campaign_id, number_id FROM delivery
        WHERE origin = r.origin AND state IN ('QUEUED', 'RETRY') AND next_at <= clock_timestamp()
        ORDER BY next_at
        LIMIT GREATEST(0, $2 - (SELECT count(*) FROM delivery s WHERE s.state = 'SENDING' AND s.origin = r.origin))
        FOR UPDATE SKIP LOCKED
    ) AS d
    WHERE r.origin IS NOT NULL
    LIMIT $1
), expired AS (
    SELECT tenant_id, campaign_id, number_id FROM delivery
    WHERE state = 'SENDING' AND lease_until < clock_timestamp()
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE delivery d
    SET state = 'SENDING', epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $3)
    FROM (SELECT * FROM due UNION SELECT * FROM expired) AS taken
    WHERE d.tenant_id = taken.tenant_id AND d.campaign_id = taken.campaign_id AND d.number_id = taken.number_id
    RETURNING d.*
)
SELECT c.tenant_id, c.campaign_id, c.number_id, c.epoch, c.tries, c.webhook_id, c.url, c.content_type, c.body,
       t.webhook_keys
FROM claimed c JOIN tenant t USING (tenant_id);

-- name: settle_delivery
-- SENDING -> DELIVERED | RETRY | FAILED as decided, and the try's line in the log. No row: the lease had gone.
WITH settled AS (
    UPDATE delivery
    SET state = $5::delivery_state, tries = tries + 1, lease_until = NULL,
        next_at = clock_timestamp() + make_interval(secs => $6),
        delivered_at = CASE WHEN $5 = 'DELIVERED' THEN clock_timestamp() END
    WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = $3 AND epoch = $4 AND state = 'SENDING'
    RETURNING tenant_id, campaign_id, number_id, tries
)
INSERT INTO delivery_try (tenant_id, campaign_id, number_id, try_no, status, error, total_ms, answer)
SELECT tenant_id, campaign_id, number_id, tries, $7, $8, $9, $10 FROM settled
RETURNING try_no;
