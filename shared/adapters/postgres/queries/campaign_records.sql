-- Numbers and attempts one by one, in the role of the API. A filter looks at so many rows at most, however few it finds:
-- a page costs what it costs, and the next one goes on where this one stopped looking.

-- name: numbers_page
-- Numbers of a campaign behind `$3`: of the next `$4` those of a state and an outcome, `$7` at most. Always a row, for how
-- far it was looked.
WITH sight AS MATERIALIZED (
    SELECT number_id, batch_no, line_no, e164, ani, message_reference, state::text AS state, tries, next_at, canceled_at
    FROM number WHERE tenant_id = $1 AND campaign_id = $2 AND number_id > $3
    ORDER BY number_id LIMIT $4
), looked AS (
    SELECT max(number_id) AS until, count(*) AS seen FROM sight
)
SELECT looked.until, looked.seen, found.*
FROM looked LEFT JOIN LATERAL (
    SELECT s.*, r.outcome, r.result, r.created_at AS ended_at
    FROM sight s LEFT JOIN LATERAL (
        SELECT outcome, result, created_at FROM result
        WHERE s.state = 'FINAL' AND tenant_id = $1 AND campaign_id = $2 AND number_id = s.number_id LIMIT 1) AS r ON true
    WHERE ($5::text IS NULL OR s.state = $5) AND ($6::smallint IS NULL OR r.outcome = $6)
    ORDER BY s.number_id LIMIT $7) AS found ON true
ORDER BY found.number_id;

-- name: attempts_page
-- The same of attempts.
WITH sight AS MATERIALIZED (
    SELECT attempt_id, number_id, ordinal, state::text AS state, due_at, fence, trunk, intent_at, ringing_at, answered_at,
           ended_at, sip_status, q850_cause, outcome, stage, callee_type, withheld_because
    FROM attempt WHERE tenant_id = $1 AND campaign_id = $2 AND attempt_id > $3
    ORDER BY attempt_id LIMIT $4
), looked AS (
    SELECT max(attempt_id) AS until, count(*) AS seen FROM sight
)
SELECT looked.until, looked.seen, found.*
FROM looked LEFT JOIN LATERAL (
    SELECT s.*, n.e164, n.message_reference
    FROM (SELECT * FROM sight
          WHERE ($5::text IS NULL OR state = $5) AND ($6::smallint IS NULL OR outcome = $6)
          ORDER BY attempt_id LIMIT $7) AS s
    CROSS JOIN LATERAL (
        SELECT e164, message_reference FROM number
        WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = s.number_id LIMIT 1) AS n) AS found ON true
ORDER BY found.attempt_id;

-- name: results_page
-- Final numbers of a campaign behind `$3`, with their lines.
SELECT r.number_id, r.outcome, r.stage, r.result, r.callee_type, r.attempts, r.last_attempt_at, r.duration_seconds,
       r.exit_values, r.created_at, n.batch_no, n.line_no, n.e164, n.message_reference
FROM (SELECT * FROM result WHERE tenant_id = $1 AND campaign_id = $2 AND number_id > $3
      ORDER BY number_id LIMIT $4) AS r
CROSS JOIN LATERAL (
    SELECT batch_no, line_no, e164, message_reference FROM number
    WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = r.number_id LIMIT 1) AS n
ORDER BY r.number_id;
