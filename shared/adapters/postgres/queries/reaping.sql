-- What the reaper does for workers that went silent. Its role sees every tenant; Postgres' clock decides.

-- name: withhold_late
-- PLANNED | expired LEASED past its latest instant -> WITHHELD, its number back in line, no try spent.
WITH late AS (
    SELECT tenant_id, campaign_id, attempt_id FROM attempt
    WHERE (state = 'PLANNED' AND due_at < clock_timestamp() AND send_by < clock_timestamp())
       OR (state = 'LEASED' AND lease_until < clock_timestamp() AND send_by < clock_timestamp())
    ORDER BY due_at LIMIT $2
    FOR UPDATE SKIP LOCKED
), withheld AS (
    UPDATE attempt a SET state = 'WITHHELD', withheld_because = $1, ended_at = clock_timestamp(), lease_until = NULL
    FROM late
    WHERE a.tenant_id = late.tenant_id AND a.campaign_id = late.campaign_id AND a.attempt_id = late.attempt_id
    RETURNING a.tenant_id, a.campaign_id, a.attempt_id, a.number_id
), freed AS (
    DELETE FROM live_call l USING withheld w WHERE l.tenant_id = w.tenant_id AND l.attempt_id = w.attempt_id
), returned AS (
    UPDATE number n SET state = 'READY'
    FROM withheld w
    WHERE n.tenant_id = w.tenant_id AND n.campaign_id = w.campaign_id AND n.number_id = w.number_id
      AND n.state = 'IN_ATTEMPT'
    RETURNING n.tenant_id, n.campaign_id
), told AS (
    UPDATE campaign_pacing p SET look_at = clock_timestamp()
    FROM (SELECT DISTINCT tenant_id, campaign_id FROM returned) AS r, campaign c
    WHERE p.tenant_id = r.tenant_id AND p.campaign_id = r.campaign_id AND p.idle_since IS NOT NULL
      AND (p.look_at IS NULL OR p.look_at > clock_timestamp())
      AND c.tenant_id = r.tenant_id AND c.campaign_id = r.campaign_id AND c.state = 'RUNNING'
)
SELECT tenant_id, campaign_id FROM returned;

-- name: free_expired_leases
-- LEASED -> PLANNED: the intent was never committed, so nobody can have been called. Only while it can be on time.
WITH expired AS (
    SELECT tenant_id, campaign_id, attempt_id FROM attempt
    WHERE state = 'LEASED' AND lease_until < clock_timestamp() AND send_by >= clock_timestamp()
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), freed AS (
    DELETE FROM live_call l USING expired e WHERE l.tenant_id = e.tenant_id AND l.attempt_id = e.attempt_id
)
UPDATE attempt a SET state = 'PLANNED', lease_until = NULL, worker = NULL
FROM expired e
WHERE a.tenant_id = e.tenant_id AND a.campaign_id = e.campaign_id AND a.attempt_id = e.attempt_id
RETURNING a.tenant_id, a.campaign_id, a.attempt_id;

-- name: unheard_attempts
-- Attempts whose bell may have been lost: planned, not yet leased, and due from where the last look ended (a first one
-- has no `$1`) to `$2` seconds from now. Always a row, for where this look ended: what it did not reach is the next one's.
WITH sight AS MATERIALIZED (
    SELECT greatest($1::timestamptz, clock_timestamp()) AS since, clock_timestamp() + make_interval(secs => $2) AS until
)
SELECT s.until, a.tenant_id, a.campaign_id, a.attempt_id, a.due_at
FROM sight s
LEFT JOIN LATERAL (
    SELECT tenant_id, campaign_id, attempt_id, due_at FROM attempt
    WHERE state = 'PLANNED' AND due_at >= s.since AND due_at < s.until
    ORDER BY due_at LIMIT $3
) AS a ON true
ORDER BY a.due_at;

-- name: quarantine_lost_calls
-- DIALING | RINGING | IN_CALL -> UNKNOWN: the phone may have rung, may be talking still. The number stays taken for
-- the longest permitted call and a margin; a report of the same epoch inside it wins.
WITH lost AS (
    SELECT tenant_id, campaign_id, attempt_id FROM attempt
    WHERE state IN ('DIALING', 'RINGING', 'IN_CALL') AND lease_until < clock_timestamp()
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE attempt a
SET state = 'UNKNOWN', lease_until = NULL, quarantine_until = a.intent_at + make_interval(secs => $1)
FROM lost
WHERE a.tenant_id = lost.tenant_id AND a.campaign_id = lost.campaign_id AND a.attempt_id = lost.attempt_id
RETURNING a.tenant_id, a.campaign_id, a.attempt_id, a.worker;

-- name: over_quarantine
-- UNKNOWN attempts that no report can explain any more, with what their numbers' results need. Their numbers are locked
-- with them, or left to the next look: to wait for one while holding another is how two wait for each other in a circle.
SELECT a.tenant_id, a.campaign_id, a.attempt_id, a.epoch, a.number_id, a.intent_at, n.e164, n.message_reference,
       n.tries, c.result_url, c.result_format
FROM attempt a
JOIN number n USING (tenant_id, campaign_id, number_id)
JOIN campaign c USING (tenant_id, campaign_id)
WHERE a.state = 'UNKNOWN' AND a.quarantine_until < clock_timestamp()
LIMIT $1
FOR UPDATE OF a SKIP LOCKED
FOR NO KEY UPDATE OF n SKIP LOCKED;

-- name: undialed_numbers
-- Numbers of a campaign that no window is left for; an attempt that was withheld after its intent was no call.
SELECT n.number_id, n.e164, n.message_reference, n.tries,
       (SELECT max(intent_at) FROM attempt a
        WHERE a.tenant_id = n.tenant_id AND a.campaign_id = n.campaign_id AND a.number_id = n.number_id
          AND a.state = 'DONE') AS intent_at,
       c.result_url, c.result_format
FROM number n JOIN campaign c USING (tenant_id, campaign_id)
WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.state IN ('READY', 'WAITING')
LIMIT $3
FOR UPDATE OF n SKIP LOCKED;

-- name: taken_back
-- Numbers that were taken back while they were in a call, and would be called again, with what their results need.
SELECT n.tenant_id, n.campaign_id, n.number_id, n.e164, n.message_reference, n.tries,
       (SELECT max(intent_at) FROM attempt a
        WHERE a.tenant_id = n.tenant_id AND a.campaign_id = n.campaign_id AND a.number_id = n.number_id
          AND a.state = 'DONE') AS intent_at,
       c.result_url, c.result_format
FROM number n JOIN campaign c USING (tenant_id, campaign_id)
WHERE n.canceled_at IS NOT NULL AND n.state <> 'FINAL' AND n.state IN ('READY', 'WAITING')
LIMIT $1
FOR UPDATE OF n SKIP LOCKED;

-- name: refresh_statistics
-- Let the planner know of tables that have changed by so many rows, and by a fifth.
SELECT refresh_statistics($1) AS table_name;

-- name: forget_dialers
-- Dialers that have been silent for a day are no longer of interest.
DELETE FROM dialer WHERE seen_at < clock_timestamp() - interval '1 day';

-- name: free_trunk_places
-- Places that no dialer gives back: of attempts that can be no call any more, and of legs that are over and whose instants
-- have served. A place is taken after its attempt's intent, so that one of a call that is about to begin has its attempt.
-- One that its dialer is giving back right now is left to it: the reaper waits for nobody.
DELETE FROM trunk_place
WHERE place_id IN (
    SELECT p.place_id FROM trunk_place p
    WHERE p.sends_at < clock_timestamp() - interval '2 s'
      AND (p.over OR NOT EXISTS (
          SELECT 1 FROM attempt a
          WHERE a.fence = p.fence AND a.state IN ('DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')))
    FOR UPDATE OF p SKIP LOCKED);
