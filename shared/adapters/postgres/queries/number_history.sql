-- One phone number in all campaigns of a tenant, deleted ones too, in the role of the API.

-- name: lines_of_number
-- The newest lines that a number stood on, before `$3` where that is given; each with its end and its delivery.
SELECT n.campaign_id, n.number_id, n.batch_no, n.line_no, n.message_reference, n.state::text AS state, n.tries,
       n.canceled_at, n.last_ordinal, c.name, b.file_name, b.published_at,
       r.outcome, r.result, r.created_at AS ended_at,
       d.state::text AS delivery_state, d.url, d.webhook_id, d.tries + d.tries_before AS all_tries,
       d.created_at AS queued_at, d.delivered_at, t.tried_at, t.status, t.error
FROM (SELECT * FROM number
      WHERE tenant_id = $1 AND e164 = $2 AND number_id < COALESCE($3::bigint, 9223372036854775807)
      ORDER BY number_id DESC LIMIT $4) AS n
CROSS JOIN LATERAL (
    SELECT name FROM campaign WHERE tenant_id = $1 AND campaign_id = n.campaign_id LIMIT 1) AS c
CROSS JOIN LATERAL (
    SELECT file_name, published_at FROM batch
    WHERE tenant_id = $1 AND campaign_id = n.campaign_id AND batch_no = n.batch_no LIMIT 1) AS b
LEFT JOIN LATERAL (
    SELECT outcome, result, created_at FROM result
    WHERE tenant_id = $1 AND campaign_id = n.campaign_id AND number_id = n.number_id LIMIT 1) AS r ON true
LEFT JOIN LATERAL (
    SELECT * FROM delivery
    WHERE tenant_id = $1 AND campaign_id = n.campaign_id AND number_id = n.number_id LIMIT 1) AS d ON true
LEFT JOIN LATERAL (
    SELECT tried_at, status, error FROM delivery_try
    WHERE tenant_id = $1 AND campaign_id = n.campaign_id AND number_id = n.number_id
    ORDER BY try_no DESC LIMIT 1) AS t ON true
ORDER BY n.number_id DESC;

-- name: attempts_of_lines
-- The newest attempts at each of these numbers, `$5` of each at most.
SELECT a.*
FROM unnest($2::bigint[], $3::bigint[]) AS wanted (campaign_id, number_id)
CROSS JOIN LATERAL (
    SELECT attempt_id, number_id, ordinal, state::text AS state, due_at, fence, trunk, intent_at, ringing_at, answered_at,
           ended_at, sip_status, q850_cause, outcome, stage, callee_type, withheld_because,
           $4::text AS e164, NULL::text AS message_reference
    FROM attempt
    WHERE tenant_id = $1 AND campaign_id = wanted.campaign_id AND number_id = wanted.number_id
    ORDER BY ordinal DESC LIMIT $5) AS a
ORDER BY a.number_id DESC, a.ordinal DESC;

-- name: blocked_now
-- Whether the number is on the blocklist.
SELECT e164, reason, source, created_at FROM blocklist WHERE tenant_id = $1 AND e164 = $2;

-- name: blocked_and_allowed
-- When it was put on it and taken off it, the newest first.
SELECT at, action, actor, before, after FROM audit_log
WHERE tenant_id = $1 AND object_type = 'blocklist' AND object_id = $2
ORDER BY audit_id DESC LIMIT $3;

-- name: last_call
-- When the last call to it ended.
SELECT last_call_ended_at FROM callee WHERE tenant_id = $1 AND e164 = $2;
