-- What a dialer does to an attempt. Every statement is one row of the attempt's table, as a compare-and-set on
-- state and epoch; it runs in a transaction that names the tenant.

-- name: postgres_clock
-- Postgres' clock, in seconds since 1970: instants of a lease or on a trunk are told on the worker's own clock by it.
SELECT extract(epoch FROM clock_timestamp())::float8 AS now;

-- name: lease_attempts
-- PLANNED -> LEASED, epoch+1, for as many of these attempts of one tenant as can still be on time, and each one's
-- number taken for the tenant. `took_number` is false while another call to the same number is under way. Rows and
-- numbers are locked in one order by everybody, so that two workers never wait for each other.
WITH wanted AS (
    SELECT a.campaign_id, a.attempt_id, n.e164
    FROM unnest($2::bigint[], $3::bigint[]) AS w (campaign_id, attempt_id)
    JOIN attempt a ON a.tenant_id = $1 AND a.campaign_id = w.campaign_id AND a.attempt_id = w.attempt_id
    JOIN number n ON n.tenant_id = $1 AND n.campaign_id = a.campaign_id AND n.number_id = a.number_id
    WHERE a.state = 'PLANNED' AND clock_timestamp() <= a.send_by
    ORDER BY a.attempt_id
    FOR UPDATE OF a SKIP LOCKED
), leased AS (
    UPDATE attempt a
    SET state = 'LEASED', epoch = epoch + 1, worker = $4,
        lease_until = clock_timestamp() + make_interval(secs => $5)
    FROM wanted w
    WHERE a.tenant_id = $1 AND a.campaign_id = w.campaign_id AND a.attempt_id = w.attempt_id
    RETURNING a.*
), taken AS (
    INSERT INTO live_call (tenant_id, e164, campaign_id, attempt_id)
    SELECT $1, e164, campaign_id, attempt_id FROM wanted ORDER BY e164, attempt_id
    ON CONFLICT DO NOTHING
    RETURNING attempt_id
)
SELECT l.campaign_id, l.attempt_id, l.epoch, l.number_id, l.ordinal,
       extract(epoch FROM l.due_at)::float8 AS due_at, extract(epoch FROM l.send_by)::float8 AS send_by,
       l.attempt_id IN (SELECT attempt_id FROM taken) AS took_number,
       n.e164, n.ani, n.post_dial, n.message_reference, n.variables, n.tries,
       c.start_url, c.start_method, c.result_url, c.result_format, c.caller_id,
       c.tries_allowed, c.retry_seconds, c.retry_seconds_by_outcome,
       c.callee_from_minute, c.callee_until_minute, z.zones, t.countries, t.premium_allowed
FROM leased l
JOIN number n USING (tenant_id, campaign_id, number_id)
JOIN campaign c USING (tenant_id, campaign_id)
JOIN tenant t ON t.tenant_id = $1
LEFT JOIN callee_zones z
    ON z.tenant_id = n.tenant_id AND z.campaign_id = n.campaign_id AND z.zones_no = n.zones_no
ORDER BY l.due_at;

-- name: count_missed
-- Of these attempts of one tenant, how many could no longer be on time: a sign that this worker is overrun.
SELECT count(*) AS missed
FROM unnest($2::bigint[], $3::bigint[]) AS w (campaign_id, attempt_id)
JOIN attempt a ON a.tenant_id = $1 AND a.campaign_id = w.campaign_id AND a.attempt_id = w.attempt_id
WHERE a.state = 'PLANNED' AND clock_timestamp() > a.send_by
   OR a.state = 'WITHHELD' AND a.epoch = 0;

-- name: commit_intent
-- LEASED -> DIALING, with every gate in the same statement. No row: a gate is shut, or the lease is gone. The number
-- has been this attempt's since the lease, so that no other call to it can have ended since: its rest is judged here.
-- `$8` is the country of the number, `$9` its kind where that is special, `$10` the caller id that somebody asked for.
UPDATE attempt a
SET state = 'DIALING', intent_at = clock_timestamp(), fence = $5
FROM campaign c, tenant t
WHERE a.tenant_id = $1 AND a.campaign_id = $2 AND a.attempt_id = $3
  AND a.epoch = $4 AND a.state = 'LEASED' AND clock_timestamp() < a.lease_until
  AND c.tenant_id = a.tenant_id AND c.campaign_id = a.campaign_id
  AND c.state = 'RUNNING' AND c.epoch = a.campaign_epoch
  AND clock_timestamp() < a.window_closes_at
  AND (a.callee_closes_at IS NULL OR clock_timestamp() < a.callee_closes_at)
  AND clock_timestamp() <= a.send_by
  AND t.tenant_id = a.tenant_id
  AND (t.countries = '{}' OR $8::text = ANY (t.countries))
  AND ($9::text IS NULL OR $9 = 'premium' AND t.premium_allowed)
  AND ($10::text IS NULL OR NOT t.verified_callers_only OR EXISTS (
      SELECT 1 FROM verified_caller v WHERE v.tenant_id = a.tenant_id AND v.e164 = $10))
  AND NOT EXISTS (
      SELECT 1 FROM hold h
      WHERE h.tenant_id IN (0, a.tenant_id) AND h.released_at IS NULL
        AND (h.campaign_id IS NULL OR h.campaign_id = a.campaign_id))
  AND NOT EXISTS (SELECT 1 FROM blocklist b WHERE b.tenant_id = a.tenant_id AND b.e164 = $6)
  AND ($7::float8 = 0 OR NOT EXISTS (
      SELECT 1 FROM callee l
      WHERE l.tenant_id = a.tenant_id AND l.e164 = $6
        AND l.last_call_ended_at + make_interval(secs => $7) > clock_timestamp()))
RETURNING a.intent_at;

-- name: gate_facts
-- The same facts, read one by one, to say why an intent was refused. No row: the lease is gone.
SELECT clock_timestamp() AS now, a.send_by, a.window_closes_at,
       c.state = 'RUNNING' AS campaign_running,
       c.epoch = a.campaign_epoch AS same_epoch,
       EXISTS (
           SELECT 1 FROM hold h
           WHERE h.tenant_id IN (0, a.tenant_id) AND h.released_at IS NULL
             AND (h.campaign_id IS NULL OR h.campaign_id = a.campaign_id)) AS held,
       EXISTS (SELECT 1 FROM blocklist b WHERE b.tenant_id = a.tenant_id AND b.e164 = $5) AS excluded,
       a.callee_closes_at,
       (SELECT l.last_call_ended_at + make_interval(secs => $6) FROM callee l
        WHERE $6::float8 > 0 AND l.tenant_id = a.tenant_id AND l.e164 = $5) AS rested_at,
       t.countries, t.premium_allowed, t.verified_callers_only,
       ARRAY(SELECT v.e164 FROM verified_caller v WHERE v.tenant_id = a.tenant_id AND v.e164 = $7) AS verified
FROM attempt a JOIN campaign c USING (tenant_id, campaign_id) JOIN tenant t USING (tenant_id)
WHERE a.tenant_id = $1 AND a.campaign_id = $2 AND a.attempt_id = $3 AND a.epoch = $4 AND a.state = 'LEASED'
  AND clock_timestamp() < a.lease_until;

-- name: record_ringing
-- DIALING -> RINGING.
UPDATE attempt SET state = 'RINGING', ringing_at = clock_timestamp()
WHERE tenant_id = $1 AND campaign_id = $2 AND attempt_id = $3 AND epoch = $4 AND state = 'DIALING';

-- name: record_answer
-- DIALING | RINGING -> IN_CALL.
UPDATE attempt SET state = 'IN_CALL', answered_at = clock_timestamp()
WHERE tenant_id = $1 AND campaign_id = $2 AND attempt_id = $3 AND epoch = $4 AND state IN ('DIALING', 'RINGING');

-- name: renew_leases
-- A worker's sign of life for the calls of one tenant; returns those that are still its own.
UPDATE attempt a SET lease_until = clock_timestamp() + make_interval(secs => $5)
FROM unnest($2::bigint[], $3::bigint[], $4::integer[]) AS held (campaign_id, attempt_id, epoch)
WHERE a.tenant_id = $1 AND a.campaign_id = held.campaign_id AND a.attempt_id = held.attempt_id
  AND a.epoch = held.epoch AND a.state IN ('LEASED', 'DIALING', 'RINGING', 'IN_CALL')
RETURNING a.attempt_id;

-- name: calls_to_hang_up
-- Of the calls of one tenant, those that a stop or a hold wants ended. A campaign that was started again may have calls
-- from before the stop and from after it: their epochs tell them apart.
SELECT held.attempt_id
FROM unnest($2::bigint[], $3::bigint[]) AS held (campaign_id, attempt_id)
JOIN campaign c ON c.tenant_id = $1 AND c.campaign_id = held.campaign_id
JOIN attempt a ON a.tenant_id = $1 AND a.campaign_id = held.campaign_id AND a.attempt_id = held.attempt_id
WHERE a.campaign_epoch < c.hang_up_below_epoch
   OR EXISTS (
       SELECT 1 FROM hold h
       WHERE h.tenant_id IN (0, $1) AND h.released_at IS NULL AND h.hang_up
         AND (h.campaign_id IS NULL OR h.campaign_id = held.campaign_id));

-- name: end_attempt
-- DIALING | RINGING | IN_CALL | UNKNOWN -> DONE, with what was reported. Frees the number.
WITH ended AS (
    UPDATE attempt
    SET state = 'DONE', ended_at = clock_timestamp(), lease_until = NULL, quarantine_until = NULL,
        sip_status = $5, q850_cause = $6, outcome = $7, stage = $8, callee_type = $9
    WHERE tenant_id = $1 AND campaign_id = $2 AND attempt_id = $3 AND epoch = $4
      AND state IN ('DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')
    RETURNING tenant_id, attempt_id, ended_at
), freed AS (
    DELETE FROM live_call l USING ended e WHERE l.tenant_id = e.tenant_id AND l.e164 = $10 AND l.attempt_id = e.attempt_id
), remembered AS (
    INSERT INTO callee (tenant_id, e164, last_call_ended_at) SELECT tenant_id, $10, ended_at FROM ended
    ON CONFLICT (tenant_id, e164) DO UPDATE SET last_call_ended_at = excluded.last_call_ended_at
)
SELECT ended_at FROM ended;

-- name: withhold_attempt
-- PLANNED | LEASED, or DIALING | UNKNOWN that provably never rang -> WITHHELD. Frees the number. Costs no try.
WITH withheld AS (
    UPDATE attempt
    SET state = 'WITHHELD', withheld_because = $5, ended_at = clock_timestamp(), lease_until = NULL,
        quarantine_until = NULL
    WHERE tenant_id = $1 AND campaign_id = $2 AND attempt_id = $3 AND epoch = $4
      AND state IN ('PLANNED', 'LEASED', 'DIALING', 'UNKNOWN')
    RETURNING tenant_id, attempt_id, ended_at
), freed AS (
    DELETE FROM live_call l USING withheld w WHERE l.tenant_id = w.tenant_id AND l.e164 = $6 AND l.attempt_id = w.attempt_id
)
SELECT ended_at FROM withheld;

-- name: return_number
-- IN_ATTEMPT -> READY: back in line at its own place, which a resting pacer is told to look at again.
WITH returned AS (
    UPDATE number SET state = 'READY'
    WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = $3 AND state = 'IN_ATTEMPT'
    RETURNING tenant_id, campaign_id
)
UPDATE campaign_pacing p SET look_at = clock_timestamp()
FROM returned r, campaign c
WHERE p.tenant_id = r.tenant_id AND p.campaign_id = r.campaign_id AND p.idle_since IS NOT NULL
  AND (p.look_at IS NULL OR p.look_at > clock_timestamp())
  AND c.tenant_id = r.tenant_id AND c.campaign_id = r.campaign_id AND c.state = 'RUNNING';

-- name: postpone_number
-- IN_ATTEMPT -> WAITING until an instant; `$5` is 1 after a call and 0 after an attempt that was none. A resting pacer
-- is told when to look again.
WITH postponed AS (
    UPDATE number SET state = 'WAITING', next_at = $4, tries = tries + $5
    WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = $3 AND state = 'IN_ATTEMPT'
    RETURNING tenant_id, campaign_id, next_at
)
UPDATE campaign_pacing p SET look_at = r.next_at
FROM postponed r, campaign c
WHERE p.tenant_id = r.tenant_id AND p.campaign_id = r.campaign_id AND p.idle_since IS NOT NULL
  AND (p.look_at IS NULL OR p.look_at > r.next_at)
  AND c.tenant_id = r.tenant_id AND c.campaign_id = r.campaign_id AND c.state = 'RUNNING';

-- name: conclude_number
-- READY | WAITING | IN_ATTEMPT -> FINAL, its one result, its delivery where the campaign has a result_url, and the
-- total: one statement, so that none can be without the others.
WITH final AS (
    UPDATE number SET state = 'FINAL', next_at = NULL, tries = $4
    WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = $3 AND state IN ('READY', 'WAITING', 'IN_ATTEMPT')
    RETURNING tenant_id, campaign_id, number_id
), written AS (
    INSERT INTO result (tenant_id, campaign_id, number_id, outcome, stage, result, callee_type, attempts,
                        last_attempt_at, duration_seconds, exit_values)
    SELECT tenant_id, campaign_id, number_id, $5, $6, $7, $8, $4, $9, $10, $11 FROM final
    RETURNING tenant_id, campaign_id, number_id
), queued AS (
    INSERT INTO delivery (tenant_id, campaign_id, number_id, webhook_id, url, origin, content_type, body)
    SELECT tenant_id, campaign_id, number_id, $12, $13, $14, $15, $16 FROM written WHERE $13::text IS NOT NULL
), counted AS (
    INSERT INTO outcome_count (tenant_id, campaign_id, shard, outcome, result, numbers)
    SELECT tenant_id, campaign_id, (number_id % 16)::smallint, $5, $7, 1 FROM written
    ON CONFLICT (tenant_id, campaign_id, shard, outcome, result)
        DO UPDATE SET numbers = outcome_count.numbers + 1
)
SELECT number_id FROM written;

-- name: calendar
-- What a campaign's calendar and pace are made of, one row per window; the weekdays follow a Plum schedule.
SELECT c.first_date, c.last_date, c.time_zone, COALESCE(c.days, s.days) AS campaign_days,
       w.window_no, w.opens_minute, w.closes_minute, w.days, w.on_date,
       COALESCE(p.period_minutes, w.period_minutes) AS period_minutes,
       COALESCE(p.amount_per_period, w.amount_per_period) AS amount_per_period,
       COALESCE(p.gap_minutes, w.gap_minutes) AS gap_minutes
FROM campaign c
LEFT JOIN schedule s ON s.tenant_id = c.tenant_id AND s.schedule_id = c.schedule_id
JOIN campaign_window w ON w.tenant_id = c.tenant_id AND w.campaign_id = c.campaign_id
LEFT JOIN pacing_profile p ON p.tenant_id = w.tenant_id AND p.profile_id = w.profile_id
WHERE c.tenant_id = $1 AND c.campaign_id = $2
ORDER BY w.window_no;

-- name: advertise_dialer
-- A dialer tells that it lives, what it can carry, and why nothing, where it has no trunk to send a call through.
INSERT INTO dialer (worker, capacity, unable_because, seen_at) VALUES ($1, $2, $3, clock_timestamp())
ON CONFLICT (worker) DO UPDATE
SET capacity = excluded.capacity, unable_because = excluded.unable_because, seen_at = excluded.seen_at;

-- name: retire_dialer
-- A dialer says goodbye.
DELETE FROM dialer WHERE worker = $1;
