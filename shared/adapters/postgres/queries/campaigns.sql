-- What the API does to schedules, profiles and campaigns, one tenant a transaction.

-- name: create_schedule
-- A new schedule.
INSERT INTO schedule (tenant_id, nickname, nickname_key, days) VALUES ($1, $2, $3, $4) RETURNING schedule_id;

-- name: schedules
-- A tenant's schedules, oldest first.
SELECT schedule_id, nickname, days FROM schedule WHERE tenant_id = $1 ORDER BY schedule_id LIMIT $2;

-- name: create_profile
-- A new profile.
INSERT INTO pacing_profile (tenant_id, nickname, nickname_key, period_minutes, amount_per_period, gap_minutes)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING profile_id;

-- name: profiles
-- A tenant's profiles, oldest first.
SELECT profile_id, nickname, period_minutes, amount_per_period, gap_minutes
FROM pacing_profile WHERE tenant_id = $1 ORDER BY profile_id LIMIT $2;

-- name: create_campaign
-- A new campaign with its two companions; it dials nothing before it is started.
WITH made AS (
    INSERT INTO campaign (tenant_id, dialect, name, first_date, last_date, time_zone, schedule_id, start_url, result_url,
                          tries_allowed, retry_seconds, retry_seconds_by_outcome, callee_from_minute, callee_until_minute)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    RETURNING tenant_id, campaign_id
), queue AS (
    INSERT INTO campaign_queue (tenant_id, campaign_id) SELECT tenant_id, campaign_id FROM made
), pacing AS (
    INSERT INTO campaign_pacing (tenant_id, campaign_id) SELECT tenant_id, campaign_id FROM made
)
SELECT campaign_id FROM made;

-- name: attach_window
-- One calling window of a new campaign.
INSERT INTO campaign_window (tenant_id, campaign_id, window_no, opens_minute, closes_minute, profile_id)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: campaign_to_change
-- A campaign's state, locked for a change of it; not against the foreign keys of an upload that is being published.
SELECT state FROM campaign
WHERE tenant_id = $1 AND campaign_id = $2 AND dialect = $3 AND state <> 'DELETED'
FOR NO KEY UPDATE;

-- name: campaign_to_add_to
-- The same for an upload, which takes long and must not keep its owner from a stop: nothing is locked.
SELECT state FROM campaign
WHERE tenant_id = $1 AND campaign_id = $2 AND dialect = $3 AND state <> 'DELETED';

-- name: start_campaign
-- READY | STOPPED | DONE -> RUNNING under a new epoch.
UPDATE campaign
SET state = 'RUNNING', epoch = epoch + 1, started_at = clock_timestamp(), preflight = $3
WHERE tenant_id = $1 AND campaign_id = $2 AND state IN ('READY', 'STOPPED', 'DONE');

-- name: stop_campaign
-- RUNNING -> STOPPED under a new epoch: what was planned before can never ring. With `$3` what was planned before is
-- hung up, too, however soon the campaign is started again; a stopped campaign may be told that later.
UPDATE campaign
SET epoch = epoch + CASE WHEN state = 'RUNNING' THEN 1 ELSE 0 END,
    hang_up_below_epoch = CASE WHEN NOT $3 THEN hang_up_below_epoch
                               WHEN state = 'RUNNING' THEN epoch + 1 ELSE epoch END,
    stopped_at = CASE WHEN state = 'RUNNING' THEN clock_timestamp() ELSE stopped_at END,
    state = 'STOPPED'
WHERE tenant_id = $1 AND campaign_id = $2 AND state IN ('RUNNING', 'STOPPED');

-- name: wake_pacer
-- Let a pacer look at a campaign now; a fresh start forgets the cycle that an earlier run was in.
UPDATE campaign_pacing
SET look_at = clock_timestamp(), cycle_started_at = CASE WHEN $3 THEN NULL ELSE cycle_started_at END
WHERE tenant_id = $1 AND campaign_id = $2;

-- name: campaign_views
-- Campaigns as their owner sees them, newest first, with every count from one snapshot, so that they add up.
SELECT c.campaign_id, c.name, c.state, c.first_date, c.last_date, c.time_zone, c.start_url, c.result_url, c.preflight,
       c.schedule_id, s.nickname AS schedule_nickname,
       (SELECT jsonb_agg(jsonb_build_array(w.profile_id, p.nickname, w.opens_minute, w.closes_minute)
                         ORDER BY w.window_no)
        FROM campaign_window w JOIN pacing_profile p ON p.tenant_id = w.tenant_id AND p.profile_id = w.profile_id
        WHERE w.tenant_id = c.tenant_id AND w.campaign_id = c.campaign_id) AS profiles,
       COALESCE(
           (SELECT h.reason FROM hold h
            WHERE h.tenant_id IN (0, c.tenant_id) AND h.released_at IS NULL
              AND (h.campaign_id IS NULL OR h.campaign_id = c.campaign_id)
            ORDER BY h.placed_at LIMIT 1),
           (SELECT t.reason FROM telephony_trouble t WHERE c.state = 'RUNNING')) AS held_because,
       c.tries_allowed, c.retry_seconds, c.retry_seconds_by_outcome, c.callee_from_minute, c.callee_until_minute,
       (SELECT jsonb_agg(z.zones ORDER BY z.zones_no) FROM callee_zones z
        WHERE z.tenant_id = c.tenant_id AND z.campaign_id = c.campaign_id AND c.state = 'RUNNING'
          AND EXISTS (SELECT 1 FROM number n
                      WHERE n.tenant_id = z.tenant_id AND n.campaign_id = z.campaign_id AND n.zones_no = z.zones_no
                        AND n.state = 'READY')) AS zones_in_line,
       clock_timestamp() AS now,
       q.accepted,
       (SELECT count(*) FROM number n
        WHERE n.tenant_id = c.tenant_id AND n.campaign_id = c.campaign_id AND n.state = 'WAITING') AS waiting,
       live.in_attempt, live.calls_in_progress,
       COALESCE(b.refused, 0) AS refused, COALESCE(b.duplicates, 0) AS duplicates,
       COALESCE(o.outcomes, '[]') AS outcomes
FROM campaign c
JOIN campaign_queue q USING (tenant_id, campaign_id)
LEFT JOIN schedule s ON s.tenant_id = c.tenant_id AND s.schedule_id = c.schedule_id
CROSS JOIN LATERAL (
    SELECT count(*) AS in_attempt,
           count(*) FILTER (WHERE a.state IN ('DIALING', 'RINGING', 'IN_CALL')) AS calls_in_progress
    FROM attempt a
    WHERE a.tenant_id = c.tenant_id AND a.campaign_id = c.campaign_id
      AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) AS live
LEFT JOIN LATERAL (
    SELECT sum(refused)::bigint AS refused, sum(duplicates)::bigint AS duplicates
    FROM batch WHERE batch.tenant_id = c.tenant_id AND batch.campaign_id = c.campaign_id) AS b ON true
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(outcome, result, numbers)) AS outcomes
    FROM (SELECT outcome, result, sum(numbers) AS numbers FROM outcome_count oc
          WHERE oc.tenant_id = c.tenant_id AND oc.campaign_id = c.campaign_id GROUP BY outcome, result) AS totals
) AS o ON true
WHERE c.tenant_id = $1 AND c.dialect = $2 AND c.state <> 'DELETED' AND ($3::bigint IS NULL OR c.campaign_id = $3)
ORDER BY c.campaign_id DESC
LIMIT $4;

-- name: works
-- Whether Postgres answers this role.
SELECT 1 AS works;
