-- Totals for the scoreboard, over all tenants.

-- name: live_totals
-- Campaigns that were ever started, newest first, with every count from one snapshot.
SELECT c.tenant_id, c.campaign_id, q.accepted,
       (SELECT count(*) FROM number n
        WHERE n.tenant_id = c.tenant_id AND n.campaign_id = c.campaign_id AND n.state = 'WAITING') AS waiting,
       (SELECT count(*) FROM attempt a
        WHERE a.tenant_id = c.tenant_id AND a.campaign_id = c.campaign_id
          AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) AS in_attempt,
       COALESCE(b.refused, 0) AS refused, COALESCE(b.duplicates, 0) AS duplicates,
       COALESCE(o.outcomes, '[]') AS outcomes
FROM campaign c
JOIN campaign_queue q USING (tenant_id, campaign_id)
LEFT JOIN LATERAL (
    SELECT sum(refused)::bigint AS refused, sum(duplicates)::bigint AS duplicates
    FROM batch WHERE batch.tenant_id = c.tenant_id AND batch.campaign_id = c.campaign_id) AS b ON true
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(outcome, numbers)) AS outcomes
    FROM (SELECT outcome, sum(numbers) AS numbers FROM outcome_count oc
          WHERE oc.tenant_id = c.tenant_id AND oc.campaign_id = c.campaign_id GROUP BY outcome) AS totals
) AS o ON true
WHERE c.started_at IS NOT NULL AND c.state <> 'DELETED'
ORDER BY c.campaign_id DESC
LIMIT $1;
