-- What must be true of the database at every moment, each as a query for what breaks it: tenant, campaign and an id of
-- the kind that its comment names, at most `$1` rows. Nothing to be seen is the proof. Every statement is one snapshot,
-- so they can be asked while everything runs. They are asked in the pacer's role, which sees every tenant.

-- name: one_invite_per_attempt
-- I1. An attempt that may have rung has its intent, its fence and a lease that raised its epoch, and no two share a
-- fence (attempt).
SELECT tenant_id, campaign_id, attempt_id AS id FROM attempt
WHERE state IN ('DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN', 'DONE')
  AND (intent_at IS NULL OR fence IS NULL OR epoch < 1)
UNION ALL
SELECT tenant_id, campaign_id, attempt_id FROM (
    SELECT tenant_id, campaign_id, attempt_id, count(*) OVER (PARTITION BY fence) AS bearers
    FROM attempt WHERE fence IS NOT NULL) AS fenced
WHERE bearers > 1
LIMIT $1;

-- name: one_live_call_per_number
-- I2. Whoever may be on the phone has taken the number for the tenant, and nobody else has it (attempt).
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
      AND n.e164 = l.e164 AND a.state IN ('LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN'))
LIMIT $1;

-- name: one_attempt_at_a_time
-- I3. A number is in an attempt if and only if it has exactly one that is not over, and none was dialed before the one
-- before it had ended (number).
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
WHERE intent_at IS NOT NULL AND (before_ended_at IS NULL OR intent_at < before_ended_at)
LIMIT $1;

-- name: tries_are_calls
-- I3. A number has as many tries as it has attempts that were calls, and as many ordinals as it has attempts (number).
SELECT n.tenant_id, n.campaign_id, n.number_id AS id
FROM number n
LEFT JOIN (
    SELECT tenant_id, campaign_id, number_id, count(*) AS attempts, max(ordinal) AS last_ordinal,
           count(*) FILTER (WHERE state = 'DONE') AS calls
    FROM attempt GROUP BY tenant_id, campaign_id, number_id) AS a USING (tenant_id, campaign_id, number_id)
WHERE n.tries <> COALESCE(a.calls, 0)
   OR n.last_ordinal <> COALESCE(a.attempts, 0) OR n.last_ordinal <> COALESCE(a.last_ordinal, 0)
LIMIT $1;

-- name: one_result_per_final_number
-- I4. A number is final if and only if it has a result; the key allows no second one (number).
SELECT n.tenant_id, n.campaign_id, n.number_id AS id
FROM number n
WHERE (n.state = 'FINAL') <> EXISTS (
    SELECT 1 FROM result r
    WHERE r.tenant_id = n.tenant_id AND r.campaign_id = n.campaign_id AND r.number_id = n.number_id)
LIMIT $1;

-- name: one_delivery_per_result
-- I4. A result is delivered if and only if its campaign has a result_url, which never changes (number).
SELECT r.tenant_id, r.campaign_id, r.number_id AS id
FROM result r JOIN campaign c USING (tenant_id, campaign_id)
WHERE (c.result_url IS NOT NULL) <> EXISTS (
    SELECT 1 FROM delivery d
    WHERE d.tenant_id = r.tenant_id AND d.campaign_id = r.campaign_id AND d.number_id = r.number_id)
LIMIT $1;

-- name: one_webhook_id_per_result
-- I5. A webhook-id belongs to one result for ever, and a delivery knows when it arrived if and only if it did (number).
SELECT tenant_id, campaign_id, number_id AS id FROM delivery
WHERE webhook_id <> 'res_' || number_id OR (state = 'DELIVERED') <> (delivered_at IS NOT NULL)
LIMIT $1;

-- name: no_way_back_from_an_intent
-- I6. What is planned or leased was never intended: nobody dials an attempt again (attempt).
SELECT tenant_id, campaign_id, attempt_id AS id FROM attempt
WHERE state IN ('PLANNED', 'LEASED') AND (intent_at IS NOT NULL OR fence IS NOT NULL)
LIMIT $1;

-- name: no_call_out_of_its_time
-- I7. No intent before its due instant (two clocks are compared: 50 ms), after its latest one, after its window had
-- closed, or a second after the campaign was stopped (attempt).
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM attempt a JOIN campaign c USING (tenant_id, campaign_id)
WHERE a.intent_at < a.due_at - interval '50 ms' OR a.intent_at > a.send_by OR a.intent_at >= a.window_closes_at
   OR (c.state = 'STOPPED' AND a.intent_at > c.stopped_at + interval '1 s')
LIMIT $1;

-- name: no_call_under_a_hold
-- I7. No intent from a second after a hold was placed until it was released (attempt).
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM hold h JOIN attempt a ON (h.tenant_id = 0 OR h.tenant_id = a.tenant_id)
    AND (h.campaign_id IS NULL OR h.campaign_id = a.campaign_id)
WHERE a.intent_at > h.placed_at + interval '1 s' AND (h.released_at IS NULL OR a.intent_at < h.released_at)
LIMIT $1;

-- name: pace_is_kept
-- I8. No time of a period's length holds more emissions than the amount: each is due at least a period after the one as
-- many numbers before it, under every pace that still binds (attempt). The bounds are those of the stored ring.
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
WHERE later.due_at < LEAST(earlier.due_at + b.period, b.until) - interval '1 ms'
LIMIT $1;

-- name: emissions_in_order
-- I8. Emissions are numbered from 1 without a gap up to the last that the pacing knows of, and their due instants rise
-- with their numbers (attempt; the campaign's own id where the last number is wrong).
SELECT tenant_id, campaign_id, attempt_id AS id FROM (
    SELECT tenant_id, campaign_id, attempt_id, due_at, emission_no,
           lag(due_at, 1, '-infinity') OVER in_order AS before_due_at, lag(emission_no, 1, 0) OVER in_order AS before_no
    FROM attempt
    WINDOW in_order AS (PARTITION BY tenant_id, campaign_id ORDER BY emission_no)) AS emissions
WHERE due_at <= before_due_at OR emission_no <> before_no + 1
UNION ALL
SELECT p.tenant_id, p.campaign_id, p.campaign_id
FROM campaign_pacing p
LEFT JOIN LATERAL (
    SELECT max(emission_no) AS emission_no, max(due_at) AS due_at FROM attempt a
    WHERE a.tenant_id = p.tenant_id AND a.campaign_id = p.campaign_id) AS last ON true
WHERE p.emitted <> COALESCE(last.emission_no, 0) OR p.last_due_at IS DISTINCT FROM last.due_at
LIMIT $1;

-- name: caps_are_kept
-- I9. A campaign has no more attempts that are not over than it wants calls at once (campaign).
SELECT c.tenant_id, c.campaign_id, c.campaign_id AS id
FROM campaign c
WHERE c.calls_at_once < (
    SELECT count(*) FROM attempt a
    WHERE a.tenant_id = c.tenant_id AND a.campaign_id = c.campaign_id
      AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN'))
LIMIT $1;

-- name: numbers_are_conserved
-- I10. Accepted numbers are the numbers that there are, batch by batch and in sum, and the totals by outcome are the
-- results (campaign). With one_attempt_at_a_time and one_result_per_final_number: accepted = ready + waiting + in attempt
-- + final.
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
WHERE numbers IS DISTINCT FROM results
LIMIT $1;

-- name: tenants_are_apart
-- I11. Every table that belongs to tenants forces its row-level security (the table's oid).
SELECT NULL::bigint AS tenant_id, NULL::bigint AS campaign_id, c.oid::bigint AS id
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
LIMIT $1;

-- name: no_call_after_an_opt_out
-- I12. No intent from a second after the number was blocked (attempt).
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM blocklist b
JOIN number n ON n.tenant_id = b.tenant_id AND n.e164 = b.e164
JOIN attempt a ON a.tenant_id = n.tenant_id AND a.campaign_id = n.campaign_id AND a.number_id = n.number_id
WHERE a.intent_at > b.created_at + interval '1 s'
LIMIT $1;

-- name: epochs_only_rise
-- I13. Nothing was planned under an epoch that its campaign has not reached, and whoever holds anything got it under an
-- epoch of its own (attempt, or number for a delivery).
SELECT a.tenant_id, a.campaign_id, a.attempt_id AS id
FROM attempt a JOIN campaign c USING (tenant_id, campaign_id)
WHERE a.campaign_epoch > c.epoch OR (a.state = 'LEASED' AND a.epoch < 1)
UNION ALL
SELECT tenant_id, campaign_id, number_id FROM delivery WHERE state = 'SENDING' AND epoch < 1
LIMIT $1;
