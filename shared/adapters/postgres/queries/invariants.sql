-- What must be true of the database at every moment, each as a query for what breaks it: tenant, campaign and an id.
-- Nothing to be seen is the proof. They are asked of one snapshot, while everything runs, in roles that see every tenant.
--
-- A comment begins with the number of the invariant and what kind of id its query names; the sentence behind it is what
-- people read, and whatever follows is for whoever changes the query.

-- name: one_invite_per_attempt
-- I1 (attempt). What may have rung has its own intent, its own fence and an epoch that a lease has raised.
SELECT tenant_id, campaign_id, attempt_id AS id FROM attempt
WHERE state IN ('DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN', 'DONE')
  AND (intent_at IS NULL OR fence IS NULL OR epoch < 1)
UNION ALL
SELECT tenant_id, campaign_id, attempt_id FROM (
    SELECT tenant_id, campaign_id, attempt_id, count(*) OVER (PARTITION BY fence) AS bearers
    FROM attempt WHERE fence IS NOT NULL) AS fenced
WHERE bearers > 1;

-- name: one_live_call_per_number
-- I2 (attempt). Whoever may be on the phone has taken the number for the tenant, and nobody else has it.
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM attempt a JOIN number n USING (tenant_id, campaign_id, number_id)
WHERE a.state IN ('DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')
  AND NOT EXISTS (SELECT 1 FROM live_call l
                  WHERE l.tenant_id = a.tenant_id AND l.e164 = n.e164 AND l.attempt_id = a.attempt_id)
UNION ALL
SELECT l.tenant_id, l.campaign_id, l.attempt_id
FROM live_call l
WHERE NOT EXISTS (
    SELECT 1 FROM attempt a JOIN number n USING (tenant_id, campaign_id, number_id)
    WHERE a.tenant_id = l.tenant_id AND a.campaign_id = l.campaign_id AND a.attempt_id = l.attempt_id
      AND n.e164 = l.e164 AND a.state IN ('LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN'));

-- name: one_attempt_at_a_time
-- I3 (number). A number has one attempt at a time, and none was dialed before the one before it had ended. The pause
-- between them counts from the end as the dialer saw it, which is no column.
SELECT n.tenant_id, n.campaign_id, n.number_id AS id
FROM number n
LEFT JOIN (
    SELECT tenant_id, campaign_id, number_id, count(*) AS open_attempts FROM attempt
    WHERE state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')
    GROUP BY tenant_id, campaign_id, number_id) AS a USING (tenant_id, campaign_id, number_id)
WHERE COALESCE(a.open_attempts, 0) <> CASE WHEN n.state = 'IN_ATTEMPT' THEN 1 ELSE 0 END
UNION ALL
SELECT tenant_id, campaign_id, number_id FROM (
    SELECT tenant_id, campaign_id, number_id, ordinal, intent_at,
           lag(ended_at, 1, '-infinity') OVER each_number AS before_ended_at
    FROM attempt
    WINDOW each_number AS (PARTITION BY tenant_id, campaign_id, number_id ORDER BY ordinal)) AS in_order
WHERE intent_at IS NOT NULL AND (before_ended_at IS NULL OR intent_at < before_ended_at);

-- name: tries_are_calls
-- I3 (number). A number has as many tries as it has attempts that were calls, and as many ordinals as attempts.
SELECT n.tenant_id, n.campaign_id, n.number_id AS id
FROM number n
LEFT JOIN (
    SELECT tenant_id, campaign_id, number_id, count(*) AS attempts, max(ordinal) AS last_ordinal,
           count(*) FILTER (WHERE state = 'DONE') AS calls
    FROM attempt GROUP BY tenant_id, campaign_id, number_id) AS a USING (tenant_id, campaign_id, number_id)
WHERE n.tries <> COALESCE(a.calls, 0)
   OR n.last_ordinal <> COALESCE(a.attempts, 0) OR n.last_ordinal <> COALESCE(a.last_ordinal, 0);

-- name: one_result_per_final_number
-- I4 (number). A number is final if and only if it has exactly one result. The key allows no second one.
SELECT n.tenant_id, n.campaign_id, n.number_id AS id
FROM number n
WHERE (n.state = 'FINAL') <> EXISTS (
    SELECT 1 FROM result r
    WHERE r.tenant_id = n.tenant_id AND r.campaign_id = n.campaign_id AND r.number_id = n.number_id);

-- name: one_delivery_per_result
-- I4 (number). A result has exactly one delivery if its campaign has a result_url, and none otherwise. A URL may become
-- another one, but none is added once something was dialed, and the key allows no second delivery.
SELECT r.tenant_id, r.campaign_id, r.number_id AS id
FROM result r JOIN campaign c USING (tenant_id, campaign_id)
WHERE (c.result_url IS NOT NULL) <> EXISTS (
    SELECT 1 FROM delivery d
    WHERE d.tenant_id = r.tenant_id AND d.campaign_id = r.campaign_id AND d.number_id = r.number_id);

-- name: one_webhook_id_per_result
-- I5 (number). A webhook-id belongs to one result for ever, and a delivery knows when it arrived if it did.
SELECT tenant_id, campaign_id, number_id AS id FROM delivery
WHERE webhook_id <> 'res_' || number_id OR (state = 'DELIVERED') <> (delivered_at IS NOT NULL);

-- name: tries_are_logged
-- I5 (number). Every try of a delivery has its line in the log, numbered from 1: tries only rise. Asked in the
-- deliverer's role, since the log is its own.
SELECT d.tenant_id, d.campaign_id, d.number_id AS id
FROM delivery d
LEFT JOIN (
    SELECT tenant_id, campaign_id, number_id, count(*) AS lines, max(try_no) AS last_try_no
    FROM delivery_try GROUP BY tenant_id, campaign_id, number_id) AS t USING (tenant_id, campaign_id, number_id)
WHERE d.tries + d.tries_before <> COALESCE(t.lines, 0) OR d.tries + d.tries_before <> COALESCE(t.last_try_no, 0);

-- name: no_way_back_from_an_intent
-- I6 (attempt). What is planned or leased was never intended: nobody dials an attempt again.
SELECT tenant_id, campaign_id, attempt_id AS id FROM attempt
WHERE state IN ('PLANNED', 'LEASED') AND (intent_at IS NOT NULL OR fence IS NOT NULL);

-- name: no_call_out_of_its_time
-- I7 (attempt). No intent before its due instant, after its latest one, outside its hours, or after a stop. The 50 ms
-- before are for a dialer's clock, those behind for a statement that passes its gates before it writes down its time; a
-- stop is effective within a second.
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM attempt a JOIN campaign c USING (tenant_id, campaign_id)
WHERE a.intent_at < a.due_at - interval '50 ms'
   OR a.intent_at > LEAST(a.send_by, a.window_closes_at, a.callee_closes_at) + interval '50 ms'
   OR (c.state IN ('STOPPED', 'DELETED') AND a.intent_at > c.stopped_at + interval '1 s');

-- name: callees_zones_are_known
-- I7 (number). In a campaign that keeps to callees' hours, every number that may still be called has its zones.
SELECT n.tenant_id, n.campaign_id, n.number_id AS id
FROM campaign c JOIN number n USING (tenant_id, campaign_id)
LEFT JOIN callee_zones z USING (tenant_id, campaign_id, zones_no)
WHERE c.callee_from_minute IS NOT NULL AND n.state <> 'FINAL' AND z.zones_no IS NULL;

-- name: callees_hours_are_known
-- I7 (attempt). In a campaign that keeps to callees' hours, what was planned since its last change knows their end.
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM campaign c JOIN attempt a USING (tenant_id, campaign_id)
WHERE c.callee_from_minute IS NOT NULL AND a.campaign_epoch = c.epoch AND a.callee_closes_at IS NULL;

-- name: no_call_under_a_hold
-- I7 (attempt). No intent from a second after a hold was placed until it was released.
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM hold h JOIN attempt a ON (h.tenant_id = 0 OR h.tenant_id = a.tenant_id)
    AND (h.campaign_id IS NULL OR h.campaign_id = a.campaign_id)
WHERE a.intent_at > h.placed_at + interval '1 s' AND (h.released_at IS NULL OR a.intent_at < h.released_at);

-- name: pace_is_kept
-- I8 (attempt). No time of a period's length holds more calls than the amount. Each emission is due at least a period
-- after the one as many numbers before it, under every pace that still binds: the bounds of the stored ring.
WITH bound AS (
    SELECT p.tenant_id, p.campaign_id, make_interval(mins => (b ->> 0)::integer) AS period, (b ->> 1)::bigint AS amount,
           (b ->> 3)::bigint AS counted_after, COALESCE(to_timestamp((b ->> 4)::bigint / 1e6), 'infinity') AS until
    FROM campaign_pacing p CROSS JOIN LATERAL jsonb_array_elements(p.ring_bounds::jsonb) AS b
)
SELECT later.tenant_id, later.campaign_id, later.attempt_id AS id
FROM bound b
JOIN attempt later ON later.tenant_id = b.tenant_id AND later.campaign_id = b.campaign_id
    AND later.emission_no > b.counted_after + b.amount
JOIN attempt earlier ON earlier.tenant_id = b.tenant_id AND earlier.campaign_id = b.campaign_id
    AND earlier.emission_no = later.emission_no - b.amount
WHERE later.due_at < LEAST(earlier.due_at + b.period, b.until) - interval '1 ms';

-- name: emissions_in_order
-- I8 (attempt). Emissions are numbered from 1 without a gap, and their due instants rise with their numbers.
SELECT tenant_id, campaign_id, attempt_id AS id FROM (
    SELECT tenant_id, campaign_id, attempt_id, due_at, emission_no,
           lag(due_at, 1, '-infinity') OVER in_order AS before_due_at, lag(emission_no, 1, 0) OVER in_order AS before_no
    FROM attempt
    WINDOW in_order AS (PARTITION BY tenant_id, campaign_id ORDER BY emission_no)) AS emissions
WHERE due_at <= before_due_at OR emission_no <> before_no + 1;

-- name: emissions_are_known
-- I8 (campaign). The pacing of a campaign goes on behind its last emission.
SELECT p.tenant_id, p.campaign_id, p.campaign_id AS id
FROM campaign_pacing p
LEFT JOIN LATERAL (
    SELECT max(emission_no) AS emission_no, max(due_at) AS due_at FROM attempt a
    WHERE a.tenant_id = p.tenant_id AND a.campaign_id = p.campaign_id) AS last ON true
WHERE p.emitted <> COALESCE(last.emission_no, 0) OR p.last_due_at IS DISTINCT FROM last.due_at;

-- name: caps_are_kept
-- I9 (campaign). A campaign has no more attempts that are not over than it wants calls at once.
SELECT c.tenant_id, c.campaign_id, c.campaign_id AS id
FROM campaign c
WHERE c.calls_at_once < (
    SELECT count(*) FROM attempt a
    WHERE a.tenant_id = c.tenant_id AND a.campaign_id = c.campaign_id
      AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN'));

-- name: numbers_are_conserved
-- I10 (campaign). Accepted numbers are the numbers that there are, and the totals by outcome are the results. With
-- one_attempt_at_a_time and one_result_per_final_number: accepted = ready + waiting + in attempt + final.
SELECT q.tenant_id, q.campaign_id, q.campaign_id AS id
FROM campaign_queue q
WHERE q.accepted <> (SELECT count(*) FROM number n WHERE n.tenant_id = q.tenant_id AND n.campaign_id = q.campaign_id)
   OR q.last_batch_no <> (SELECT count(*) FROM batch b WHERE b.tenant_id = q.tenant_id AND b.campaign_id = q.campaign_id)
UNION ALL
SELECT b.tenant_id, b.campaign_id, b.campaign_id
FROM batch b
LEFT JOIN (
    SELECT tenant_id, campaign_id, batch_no, count(*) AS numbers FROM number GROUP BY tenant_id, campaign_id, batch_no
) AS n USING (tenant_id, campaign_id, batch_no)
WHERE b.accepted <> COALESCE(n.numbers, 0)
UNION ALL
SELECT tenant_id, campaign_id, campaign_id
FROM (SELECT tenant_id, campaign_id, outcome, result, sum(numbers) AS numbers FROM outcome_count
      GROUP BY tenant_id, campaign_id, outcome, result) AS counted
FULL JOIN (SELECT tenant_id, campaign_id, outcome, result, count(*) AS results FROM result
           GROUP BY tenant_id, campaign_id, outcome, result) AS written
    USING (tenant_id, campaign_id, outcome, result)
WHERE numbers IS DISTINCT FROM results;

-- name: tenants_are_apart
-- I11 (table oid). Every table that belongs to tenants forces its row-level security.
SELECT NULL::bigint AS tenant_id, NULL::bigint AS campaign_id, c.oid::bigint AS id
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity);

-- name: no_role_is_above_the_law
-- I11 (role oid). No role of a process bypasses row-level security or owns a table.
SELECT NULL::bigint AS tenant_id, NULL::bigint AS campaign_id, r.oid::bigint AS id
FROM pg_roles r
WHERE r.rolname IN ('paceline_admin', 'paceline_api', 'paceline_pacer', 'paceline_dialer', 'paceline_deliverer')
  AND (r.rolsuper OR r.rolbypassrls OR EXISTS (
      SELECT 1 FROM pg_class c WHERE c.relowner = r.oid AND c.relnamespace = 'public'::regnamespace));

-- name: no_call_after_an_opt_out
-- I12 (attempt). No intent from a second after the number was blocked. A list is blocked when the transaction that takes
-- it in commits, which is not before its last number was written: xmin tells which were written together.
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM (SELECT tenant_id, e164, max(created_at) OVER (PARTITION BY tenant_id, xmin::text) AS blocked_at FROM blocklist) AS b
JOIN number n ON n.tenant_id = b.tenant_id AND n.e164 = b.e164
JOIN attempt a ON a.tenant_id = n.tenant_id AND a.campaign_id = n.campaign_id AND a.number_id = n.number_id
WHERE a.intent_at > b.blocked_at + interval '1 s';

-- name: epochs_only_rise
-- I13 (attempt). Nothing is planned under an epoch that its campaign has not reached, or leased without one of its own.
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM attempt a JOIN campaign c USING (tenant_id, campaign_id)
WHERE a.campaign_epoch > c.epoch OR (a.state = 'LEASED' AND a.epoch < 1);

-- name: sending_has_an_epoch
-- I13 (number). Whoever sends a result has claimed it under an epoch of its own.
SELECT tenant_id, campaign_id, number_id AS id FROM delivery WHERE state = 'SENDING' AND epoch < 1;
