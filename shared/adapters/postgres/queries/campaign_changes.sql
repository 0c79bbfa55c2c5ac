-- Changes of schedules, profiles and campaigns, in the role of the API. A campaign is locked before its pacing, as a
-- start does it, and several in the order of their ids.

-- name: schedule_to_change
-- A schedule, locked against other changes of it and against being attached to a campaign.
SELECT schedule_id, nickname, days FROM schedule WHERE tenant_id = $1 AND schedule_id = $2 FOR UPDATE;

-- name: update_schedule
-- The schedule as it is to be; what is NULL stays.
UPDATE schedule
SET nickname = COALESCE($3, nickname), nickname_key = COALESCE($4, nickname_key), days = COALESCE($5, days)
WHERE tenant_id = $1 AND schedule_id = $2
RETURNING schedule_id, nickname, days;

-- name: campaign_using_schedule
-- The campaign with the highest id that uses a schedule; NULL when none does.
SELECT max(campaign_id) AS campaign_id FROM campaign
WHERE tenant_id = $1 AND schedule_id = $2 AND state <> 'DELETED';

-- name: delete_schedule
-- Nobody uses it: a deleted campaign keeps its days by value.
DELETE FROM schedule WHERE tenant_id = $1 AND schedule_id = $2;

-- name: plan_anew_by_schedule
-- Campaigns that run by a schedule, under a new epoch: what they planned by the days before can never ring.
WITH running AS (
    SELECT campaign_id FROM campaign
    WHERE tenant_id = $1 AND schedule_id = $2 AND state = 'RUNNING'
    ORDER BY campaign_id
    FOR NO KEY UPDATE
)
UPDATE campaign c SET epoch = epoch + 1 FROM running r
WHERE c.tenant_id = $1 AND c.campaign_id = r.campaign_id
RETURNING c.campaign_id;

-- name: profile_to_change
-- A profile, locked as a schedule is.
SELECT profile_id, nickname, period_minutes, amount_per_period, gap_minutes
FROM pacing_profile WHERE tenant_id = $1 AND profile_id = $2 FOR UPDATE;

-- name: update_profile
-- The profile as it is to be; a nickname that is NULL stays.
UPDATE pacing_profile
SET nickname = COALESCE($3, nickname), nickname_key = COALESCE($4, nickname_key),
    period_minutes = $5, amount_per_period = $6, gap_minutes = $7
WHERE tenant_id = $1 AND profile_id = $2
RETURNING profile_id, nickname;

-- name: campaign_using_profile
-- The campaign with the highest id that uses a profile; NULL when none does.
SELECT max(campaign_id) AS campaign_id FROM campaign_window WHERE tenant_id = $1 AND profile_id = $2;

-- name: delete_profile
-- Nobody uses it: a deleted campaign keeps its paces by value.
DELETE FROM pacing_profile WHERE tenant_id = $1 AND profile_id = $2;

-- name: running_by_profile
-- Campaigns that run by a profile.
SELECT DISTINCT c.campaign_id
FROM campaign_window w JOIN campaign c USING (tenant_id, campaign_id)
WHERE w.tenant_id = $1 AND w.profile_id = $2 AND c.state = 'RUNNING';

-- name: campaign_to_update
-- A campaign as it stands, locked for a change of it.
SELECT campaign_id, state, name, first_date, last_date, time_zone, schedule_id, start_url, result_url,
       tries_allowed, retry_seconds, retry_seconds_by_outcome, callee_from_minute, callee_until_minute
FROM campaign
WHERE tenant_id = $1 AND campaign_id = $2 AND dialect = $3 AND state <> 'DELETED'
FOR NO KEY UPDATE;

-- name: lock_pacing
-- Until the end of the transaction no pacer decides for the campaign.
SELECT campaign_id FROM campaign_pacing WHERE tenant_id = $1 AND campaign_id = $2 FOR UPDATE;

-- name: anything_dialed
-- Whether a number of the campaign has its result already, or is on its way to one: in a call, or taken back.
SELECT EXISTS (SELECT 1 FROM result WHERE tenant_id = $1 AND campaign_id = $2)
    OR EXISTS (SELECT 1 FROM number
               WHERE tenant_id = $1 AND campaign_id = $2 AND canceled_at IS NOT NULL AND state <> 'FINAL')
    OR EXISTS (SELECT 1 FROM attempt
               WHERE tenant_id = $1 AND campaign_id = $2
                 AND state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) AS dialed;

-- name: update_campaign
-- The campaign as it is to be, under a new epoch where it runs and its hours are others (`$14`).
UPDATE campaign
SET name = $3, first_date = $4, last_date = $5, time_zone = $6, schedule_id = $7, start_url = $8, result_url = $9,
    tries_allowed = $10, retry_seconds = $11, retry_seconds_by_outcome = $12,
    callee_from_minute = ($13::integer[])[1], callee_until_minute = ($13::integer[])[2],
    epoch = epoch + CASE WHEN $14::boolean AND state = 'RUNNING' THEN 1 ELSE 0 END
WHERE tenant_id = $1 AND campaign_id = $2;

-- name: detach_windows
-- Every calling window of a campaign; others follow in the same transaction.
DELETE FROM campaign_window WHERE tenant_id = $1 AND campaign_id = $2;

-- name: keep_paces
-- The paces of a campaign by value, from its profiles, which it lets go.
UPDATE campaign_window w
SET period_minutes = p.period_minutes, amount_per_period = p.amount_per_period, gap_minutes = p.gap_minutes,
    profile_id = NULL
FROM pacing_profile p
WHERE w.tenant_id = $1 AND w.campaign_id = $2 AND p.tenant_id = w.tenant_id AND p.profile_id = w.profile_id;

-- name: delete_campaign
-- READY | RUNNING | STOPPED | DONE -> DELETED under a new epoch: what was planned before can never ring, and with `$3`
-- what rings already is hung up. It keeps its days by value and lets its schedule go.
UPDATE campaign c
SET hang_up_below_epoch = CASE WHEN $3 THEN epoch + 1 ELSE hang_up_below_epoch END,
    epoch = epoch + 1,
    stopped_at = CASE WHEN state = 'RUNNING' THEN clock_timestamp() ELSE stopped_at END,
    days = COALESCE(days, (SELECT s.days FROM schedule s
                           WHERE s.tenant_id = c.tenant_id AND s.schedule_id = c.schedule_id)),
    schedule_id = NULL, deleted_at = clock_timestamp(), state = 'DELETED'
WHERE tenant_id = $1 AND campaign_id = $2 AND state <> 'DELETED';

-- name: wake_pacers
-- Let a pacer look at these campaigns now; a cycle that has begun goes on.
WITH due AS (
    SELECT campaign_id FROM campaign_pacing WHERE tenant_id = $1 AND campaign_id = ANY($2::bigint[])
    ORDER BY campaign_id
    FOR UPDATE
)
UPDATE campaign_pacing p SET look_at = clock_timestamp() FROM due
WHERE p.tenant_id = $1 AND p.campaign_id = due.campaign_id;
