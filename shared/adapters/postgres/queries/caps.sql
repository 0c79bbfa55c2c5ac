-- Caps over the pace, and the queue of campaigns that wait for room. The pacer's role sees every tenant.

-- name: one_at_a_time
-- Whoever counts scarce room keeps the others from counting until what it claimed is committed.
SELECT pg_advisory_xact_lock($1);

-- name: room
-- What every cap leaves; NULL where there is none. The second leg of a transfer has a channel of its own. A call in
-- quarantine may still hold a channel, but no longer a place at a dialer that lives: a dead dialer's calls leave with its
-- word. `$3` seconds of silence are a dead dialer.
WITH live AS (
    SELECT count(*) FILTER (WHERE state <> 'UNKNOWN') AS at_dialers, count(*) AS on_trunks FROM attempt
    WHERE state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')
), trunks AS (
    SELECT CASE WHEN bool_and(channels IS NOT NULL) THEN sum(channels) END AS channels,
           CASE WHEN bool_and(calls_per_second IS NOT NULL) THEN sum(calls_per_second) END AS calls_per_second
    FROM trunk WHERE disabled_at IS NULL
)
SELECT (SELECT COALESCE(sum(capacity), 0) FROM dialer WHERE seen_at > clock_timestamp() - make_interval(secs => $3))
           - live.at_dialers AS dialers,
       trunks.channels - live.on_trunks
           - (SELECT count(*) FROM trunk_place WHERE is_second AND NOT over) AS channels,
       trunks.calls_per_second::integer AS calls_per_second,
       CASE WHEN t.calls_at_once IS NOT NULL THEN t.calls_at_once - (
           SELECT count(*) FROM attempt WHERE tenant_id = $1
               AND state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) END AS tenant,
       CASE WHEN c.calls_at_once IS NOT NULL THEN c.calls_at_once - (
           SELECT count(*) FROM attempt WHERE tenant_id = $1 AND campaign_id = $2
               AND state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) END AS campaign,
       COALESCE((SELECT served FROM tenant_turn WHERE tenant_id = $1), 0) AS tenant_served
FROM live, trunks, tenant t JOIN campaign c USING (tenant_id)
WHERE t.tenant_id = $1 AND c.campaign_id = $2;

-- name: dues_on_their_way
-- When calls of all campaigns are due that have yet to be sent: they have their slots on the trunks.
SELECT due_at FROM attempt WHERE state = 'PLANNED' AND due_at > (SELECT clock_timestamp() - interval '1 s')
UNION ALL
SELECT due_at FROM attempt WHERE state IN ('LEASED', 'DIALING', 'RINGING', 'IN_CALL')
                             AND due_at > (SELECT clock_timestamp() - interval '1 s');

-- name: queue_for_room
-- Campaigns that wanted more than there was room for at their last look, those that were given least first.
SELECT p.tenant_id, p.campaign_id, p.served, p.wants
FROM campaign_pacing p
WHERE p.wants > 0 AND p.look_at IS NOT NULL AND (p.tenant_id, p.campaign_id) <> ($1, $2)
ORDER BY p.served LIMIT $3;

-- name: tenants_in_the_queue
-- Their tenants: what they were given, and what their own caps leave.
SELECT t.tenant_id, COALESCE(turn.served, 0) AS served,
       CASE WHEN t.calls_at_once IS NOT NULL THEN t.calls_at_once - (
           SELECT count(*) FROM attempt a WHERE a.tenant_id = t.tenant_id
               AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) END AS room
FROM tenant t LEFT JOIN tenant_turn turn USING (tenant_id)
WHERE t.tenant_id = ANY($1::bigint[]);

-- name: keep_tenant_turn
-- Calls that a tenant's campaigns were given while room was short.
INSERT INTO tenant_turn (tenant_id, served) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET served = excluded.served;
