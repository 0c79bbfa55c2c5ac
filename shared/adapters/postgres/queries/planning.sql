-- What the pacer does. Its role sees every tenant.

-- name: postgres_now
-- The clock that decides.
SELECT clock_timestamp() AS now;

-- name: due_campaign
-- The pacing of the campaign that has waited longest for a look, locked for this tick; other pacers pass it by. The clock
-- is read once: read for every row it could be no condition of the index.
SELECT tenant_id, campaign_id, cycle_started_at, cycle_period_minutes, cycle_amount, cycle_gap_minutes,
       cycle_next_slot, emitted, last_due_at, ring_bounds, idle_since, claimed_batch_no, claimed_line_no, served, wants
FROM campaign_pacing
WHERE look_at <= (SELECT clock_timestamp())
ORDER BY look_at
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: campaign_as_it_stands
-- What its owner changes of it. A statement of its own, so that it is read after the pacing was locked: a start wakes
-- the pacer last, so it is either seen here or still to wake.
SELECT c.state, c.epoch, c.started_at, c.callee_from_minute, c.callee_until_minute, clock_timestamp() AS now,
       c.calls_at_once IS NOT NULL OR t.calls_at_once IS NOT NULL AS is_capped
FROM campaign c JOIN tenant t USING (tenant_id) WHERE c.tenant_id = $1 AND c.campaign_id = $2;

-- name: next_look
-- When the next campaign is due for a look; NULL when none is.
SELECT extract(epoch FROM min(look_at) - clock_timestamp())::float8 AS in_seconds FROM campaign_pacing;

-- name: standing_hold
-- Why a campaign is held, if it is: by a person, or because no call can leave at all.
SELECT COALESCE(
    (SELECT reason FROM hold
     WHERE tenant_id IN (0, $1) AND released_at IS NULL AND (campaign_id IS NULL OR campaign_id = $2)
     ORDER BY placed_at LIMIT 1),
    (SELECT reason FROM telephony_trouble));

-- name: ring_of_emissions
-- Due instants of past emissions, by number: what may come no sooner than a period later.
SELECT emission_no, due_at FROM attempt
WHERE tenant_id = $1 AND campaign_id = $2 AND emission_no BETWEEN $3 AND $4;

-- name: claim_numbers
-- Waiting numbers whose time has come first, then the line from the cursor on; each taken number gets an attempt at
-- one of the due instants, in order. READY | WAITING -> IN_ATTEMPT and -> PLANNED. It may be sent late by the tolerance,
-- and never after the end of its period (`$9`), where it would be one too many in the next: two milliseconds before, as
-- a worker's clock counts in milliseconds. The cursor goes on to the last line that was picked. The ids are given as an
-- array as well: with it, and without nested loops, which `claim_without_nested_loops` forbids, no plan reads the
-- campaign once for every number claimed, as one without statistics did (500 of a fresh 60,000: 4 s, and so 40 ms).
WITH waiting AS (
    SELECT number_id, 0 AS turn, next_at AS by_time, 0 AS batch_no, 0::bigint AS line_no
    FROM number
    WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'WAITING' AND next_at <= $3
      AND canceled_at IS NULL
    ORDER BY next_at LIMIT $4
    FOR UPDATE SKIP LOCKED
), in_line AS (
    SELECT number_id, 1 AS turn, NULL::timestamptz AS by_time, batch_no, line_no
    FROM number
    WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'READY' AND (batch_no, line_no) > ($5, $6)
      AND canceled_at IS NULL
    ORDER BY batch_no, line_no LIMIT $4
    FOR UPDATE SKIP LOCKED
), picked AS (
    SELECT number_id, batch_no, line_no,
           row_number() OVER (ORDER BY turn, by_time, batch_no, line_no) AS place
    FROM (SELECT * FROM waiting UNION ALL SELECT * FROM in_line) AS both_lines
    ORDER BY place LIMIT $4
), taken AS (
    UPDATE number n SET state = 'IN_ATTEMPT', next_at = NULL, last_ordinal = last_ordinal + 1
    FROM picked p
    WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = ANY (ARRAY(SELECT number_id FROM picked))
      AND n.number_id = p.number_id
    RETURNING n.number_id, n.last_ordinal, p.place
), planned AS (
    INSERT INTO attempt (tenant_id, campaign_id, number_id, ordinal, emission_no, paced, due_at, send_by,
                         window_closes_at, campaign_epoch)
    SELECT $1, $2, t.number_id, t.last_ordinal, $7 + t.place - 1, true, d.due_at,
           LEAST(d.due_at + make_interval(secs => $10), d.closes_at - interval '2 ms'), d.closes_at, $11
    FROM taken t JOIN unnest($8::timestamptz[], $9::timestamptz[]) WITH ORDINALITY AS d (due_at, closes_at, place)
         USING (place)
    RETURNING attempt_id, emission_no
)
SELECT attempt_id, last.batch_no, last.line_no
FROM planned CROSS JOIN (SELECT batch_no, line_no FROM picked ORDER BY batch_no DESC, line_no DESC LIMIT 1) AS last
ORDER BY emission_no;

-- name: claim_without_nested_loops
-- For the claim alone: it takes hundreds of rows at a time, which its plan cannot know.
SET LOCAL enable_nestloop = off;

-- name: plan_as_usual
-- After the claim.
SET LOCAL enable_nestloop = on;

-- name: line
-- When the next number may be called that is in no attempt, `$3` (now) if one is ready, NULL when there is none; and
-- whether one is in an attempt, from which it may come back.
SELECT CASE WHEN EXISTS (SELECT 1 FROM number WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'READY')
            THEN $3::timestamptz
            ELSE (SELECT min(next_at) FROM number WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'WAITING')
       END AS next_at,
       EXISTS (SELECT 1 FROM attempt
               WHERE tenant_id = $1 AND campaign_id = $2
                 AND state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) AS in_attempt;

-- name: conclude_undialed
-- READY | WAITING -> FINAL for numbers of one campaign that end alike and without another call, each with its one result,
-- its delivery where there is a result_url (`$11`), and their totals, which everybody takes in one order: in the shards of
-- the numbers, or all in `$15`. Their owner took them back where `$16` is true. One statement: one for each of them kept
-- every other campaign from its look four times as long. The numbers are named twice: joined alone, every number of the
-- campaign was read for each piece of it.
WITH wanted AS (
    SELECT * FROM unnest($3::bigint[], $4::integer[], $5::timestamptz[], $6::text[], $7::bytea[])
        AS w (number_id, tries, last_attempt_at, webhook_id, body)
), final AS (
    UPDATE number n
    SET state = 'FINAL', next_at = NULL,
        canceled_at = CASE WHEN $16::boolean THEN COALESCE(n.canceled_at, clock_timestamp()) ELSE n.canceled_at END
    FROM wanted w
    WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = ANY($3::bigint[]) AND n.number_id = w.number_id
      AND n.state IN ('READY', 'WAITING')
    RETURNING n.number_id, w.tries, w.last_attempt_at, w.webhook_id, w.body
), written AS (
    INSERT INTO result (tenant_id, campaign_id, number_id, outcome, stage, result, callee_type, attempts,
                        last_attempt_at, duration_seconds)
    SELECT $1, $2, number_id, $8, $9, $10, $14, tries, last_attempt_at, 0 FROM final
    RETURNING number_id
), queued AS (
    INSERT INTO delivery (tenant_id, campaign_id, number_id, webhook_id, url, origin, content_type, body)
    SELECT $1, $2, number_id, webhook_id, $11, $12, $13, body FROM final WHERE $11::text IS NOT NULL
), counted AS (
    INSERT INTO outcome_count (tenant_id, campaign_id, shard, outcome, result, numbers)
    SELECT $1, $2, COALESCE($15::smallint, (number_id % 16)::smallint) AS shard, $8, $10, count(*) FROM final
    GROUP BY shard ORDER BY shard
    ON CONFLICT (tenant_id, campaign_id, shard, outcome, result)
        DO UPDATE SET numbers = outcome_count.numbers + excluded.numbers
)
SELECT count(*) AS concluded FROM written;

-- name: any_left
-- Whether a campaign has a number without a result.
SELECT EXISTS (SELECT 1 FROM number WHERE tenant_id = $1 AND campaign_id = $2 AND state <> 'FINAL') AS left_over;

-- name: keep_pacing
-- Store what a tick decided.
UPDATE campaign_pacing
SET look_at = $3, claimed_batch_no = $4, claimed_line_no = $5, cycle_started_at = $6, cycle_period_minutes = $7,
    cycle_amount = $8, cycle_gap_minutes = $9, cycle_next_slot = $10, emitted = $11, last_due_at = $12,
    ring_bounds = $13, idle_since = $14, wants = $15, served = $16
WHERE tenant_id = $1 AND campaign_id = $2;

-- name: look_again
-- Only when: nothing else was decided, and it waits for no room.
UPDATE campaign_pacing SET look_at = $3, wants = 0 WHERE tenant_id = $1 AND campaign_id = $2;

-- name: set_aside
-- A campaign that cannot be paced as it is: later again, by nobody's decision.
UPDATE campaign_pacing SET look_at = clock_timestamp() + make_interval(secs => $3), wants = 0
WHERE tenant_id = $1 AND campaign_id = $2;

-- name: complete_campaign
-- RUNNING -> DONE, when no window is left and every number is final. The pacer holds the pacing row already, and a
-- start takes the two in the other order: a campaign that is being changed is left for the next look.
WITH idle AS (
    SELECT tenant_id, campaign_id FROM campaign
    WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'RUNNING'
      AND NOT EXISTS (SELECT 1 FROM number n WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.state <> 'FINAL')
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE campaign c SET state = 'DONE' FROM idle
WHERE c.tenant_id = idle.tenant_id AND c.campaign_id = idle.campaign_id
RETURNING c.campaign_id;
