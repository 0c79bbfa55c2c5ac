-- What people do with deliveries, in the role of the API, which sees one tenant.

-- name: deliveries
-- A page of a tenant's deliveries, by the ids of their numbers; `$3` narrows it to a state.
SELECT d.number_id, d.campaign_id, d.state::text, d.webhook_id, d.url, d.tries + d.tries_before AS all_tries, d.next_at,
       d.created_at, d.delivered_at
FROM result r JOIN delivery d USING (tenant_id, campaign_id, number_id)
WHERE r.tenant_id = $1 AND r.number_id > $2 AND ($3::text IS NULL OR d.state = $3::delivery_state)
ORDER BY r.number_id LIMIT $4;

-- name: campaign_deliveries
-- The same of one campaign, by its own key.
SELECT d.number_id, d.campaign_id, d.state::text, d.webhook_id, d.url, d.tries + d.tries_before AS all_tries, d.next_at,
       d.created_at, d.delivered_at
FROM delivery d
WHERE d.tenant_id = $1 AND d.campaign_id = $5 AND d.number_id > $2 AND ($3::text IS NULL OR d.state = $3::delivery_state)
ORDER BY d.number_id LIMIT $4;

-- name: open_deliveries
-- The same of a state that is not DELIVERED, by an index that has no others; `$5` narrows it to a campaign.
SELECT d.number_id, d.campaign_id, d.state::text, d.webhook_id, d.url, d.tries + d.tries_before AS all_tries, d.next_at,
       d.created_at, d.delivered_at
FROM delivery d
WHERE d.tenant_id = $1 AND d.state <> 'DELIVERED' AND d.state = $3::delivery_state AND d.number_id > $2
  AND ($5::bigint IS NULL OR d.campaign_id = $5)
ORDER BY d.number_id LIMIT $4;

-- name: delivery_of_call
-- One delivery, and what keeps it from being tried.
SELECT d.number_id, d.campaign_id, d.state::text, d.webhook_id, d.url, d.tries + d.tries_before AS all_tries, d.next_at,
       d.created_at, d.delivered_at, d.content_type, d.body, k.shut_until, x.disabled_at
FROM result r JOIN delivery d USING (tenant_id, campaign_id, number_id)
LEFT JOIN receiver_circuit k ON k.tenant_id = d.tenant_id AND k.origin = d.origin AND k.state <> 'CLOSED'
LEFT JOIN receiver_disabled x
    ON x.tenant_id = d.tenant_id AND x.url_hash = hashtextextended(d.url, 0) AND x.url = d.url
WHERE r.tenant_id = $1 AND r.number_id = $2;

-- name: delivery_log
-- The newest tries of one delivery.
SELECT try_no, tried_at, status, error, resolve_ms, connect_ms, total_ms, answer FROM delivery_try
WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = $3
ORDER BY try_no DESC LIMIT $4;

-- name: replay_delivery
-- DELIVERED | FAILED | PARKED -> QUEUED for one delivery. No row: it is in no such state, or its receiver is disabled.
UPDATE delivery d
SET state = 'QUEUED', tries_before = d.tries_before + d.tries, tries = 0, next_at = d.created_at,
    delivered_at = NULL
FROM result r
WHERE r.tenant_id = $1 AND r.number_id = $2
  AND d.tenant_id = r.tenant_id AND d.campaign_id = r.campaign_id AND d.number_id = r.number_id
  AND d.state IN ('DELIVERED', 'FAILED', 'PARKED')
  AND NOT EXISTS (SELECT 1 FROM receiver_disabled x WHERE x.tenant_id = d.tenant_id
                  AND x.url_hash = hashtextextended(d.url, 0) AND x.url = d.url)
RETURNING d.number_id;

-- name: allow_a_long_replay
-- Hundreds of thousands of deliveries may be queued again at once.
SET LOCAL statement_timeout = '10min';

-- name: count_replayable
-- How many deliveries the next statement would queue.
SELECT count(*) AS deliveries FROM delivery d
WHERE d.tenant_id = $1 AND d.state = $2::delivery_state AND d.state IN ('DELIVERED', 'FAILED', 'PARKED')
  AND ($3::bigint IS NULL OR d.campaign_id = $3)
  AND ($4::timestamptz IS NULL OR d.created_at >= $4) AND ($5::timestamptz IS NULL OR d.created_at < $5)
  AND NOT EXISTS (SELECT 1 FROM receiver_disabled x WHERE x.tenant_id = d.tenant_id
                  AND x.url_hash = hashtextextended(d.url, 0) AND x.url = d.url);

-- name: replay_range
-- DELIVERED | FAILED | PARKED -> QUEUED for many deliveries; the oldest are due first.
WITH queued AS (
    UPDATE delivery d
    SET state = 'QUEUED', tries_before = d.tries_before + d.tries, tries = 0, next_at = d.created_at,
        delivered_at = NULL
    WHERE d.tenant_id = $1 AND d.state = $2::delivery_state AND d.state IN ('DELIVERED', 'FAILED', 'PARKED')
      AND ($3::bigint IS NULL OR d.campaign_id = $3)
      AND ($4::timestamptz IS NULL OR d.created_at >= $4) AND ($5::timestamptz IS NULL OR d.created_at < $5)
      AND NOT EXISTS (SELECT 1 FROM receiver_disabled x WHERE x.tenant_id = d.tenant_id
                      AND x.url_hash = hashtextextended(d.url, 0) AND x.url = d.url)
    RETURNING 1
)
SELECT count(*) AS deliveries FROM queued;

-- name: disabled_receivers
-- The receivers of a tenant that want no more.
SELECT url, reason, disabled_at FROM receiver_disabled WHERE tenant_id = $1 ORDER BY disabled_at DESC LIMIT $2;

-- name: enable_receiver
-- A receiver is sent to again. No row: it was not disabled.
DELETE FROM receiver_disabled WHERE tenant_id = $1 AND url_hash = hashtextextended($2, 0) AND url = $2
RETURNING disabled_at;

-- name: queue_parked
-- PARKED -> QUEUED for everything that waits for one receiver; the oldest are due first.
WITH queued AS (
    UPDATE delivery d
    SET state = 'QUEUED', tries_before = d.tries_before + d.tries, tries = 0, next_at = d.created_at,
        delivered_at = NULL
    WHERE d.tenant_id = $1 AND d.state = 'PARKED' AND d.url = $2
    RETURNING 1
)
SELECT count(*) AS deliveries FROM queued;
