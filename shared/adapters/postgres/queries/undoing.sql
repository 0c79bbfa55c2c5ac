-- Uploads and numbers taken back, in the role of the API. Many numbers are ended in steps, each a transaction of its own
-- under the lock on the campaign's pacing, so that nothing is claimed in between and a stop waits for none of them.

-- name: campaign_is_there
-- Whether the tenant has a campaign of that id in a dialect.
SELECT EXISTS (SELECT 1 FROM campaign
               WHERE tenant_id = $1 AND campaign_id = $2 AND dialect = $3 AND state <> 'DELETED') AS there;

-- name: uploads
-- A campaign's uploads behind one, the oldest first; a place behind all that there can be is no mistake.
SELECT batch_no, file_name, accepted, refused, duplicates, published_at, canceled_at FROM batch
WHERE tenant_id = $1 AND campaign_id = $2 AND batch_no > $3::bigint
ORDER BY batch_no LIMIT $4;

-- name: refused_lines
-- A campaign's lines that were not taken, behind one, by upload and line.
SELECT batch_no, line_no, line, reason FROM refused_line
WHERE tenant_id = $1 AND campaign_id = $2 AND (batch_no, line_no) > ($3, $4)
ORDER BY batch_no, line_no LIMIT $5;

-- name: take_upload_back
-- Note that an upload was taken back, and when first. No row: there is none of that number.
UPDATE batch SET canceled_at = COALESCE(canceled_at, clock_timestamp())
WHERE tenant_id = $1 AND campaign_id = $2 AND batch_no = $3
RETURNING COALESCE(first_number_id, 0) AS first_number_id, COALESCE(last_number_id, 9223372036854775807) AS last_number_id;

-- name: wait_for_the_steps
-- A request that is done once holds its key, and nothing else, while the steps of a long list are done.
SET LOCAL idle_in_transaction_session_timeout = '15min';

-- name: lines_of_upload
-- The next numbers of an upload, `$4` being behind the last ones, that have no result yet.
SELECT number_id FROM number
WHERE tenant_id = $1 AND campaign_id = $2 AND batch_no = $3 AND number_id > $4 AND number_id <= $5 AND state <> 'FINAL'
ORDER BY number_id LIMIT $6;

-- name: lines_of_numbers
-- Where phone numbers stand in a campaign and have no result yet: on every line, or on that with their reference. The
-- campaign is asked for outside, so that without statistics nobody takes its numbers one by one for each of these.
SELECT n.number_id
FROM unnest($3::text[], $4::text[]) AS wanted (e164, message_reference)
CROSS JOIN LATERAL (
    SELECT number_id, campaign_id, message_reference, state FROM number
    WHERE tenant_id = $1 AND e164 = wanted.e164
    OFFSET 0) AS n
WHERE n.campaign_id = $2 AND n.state <> 'FINAL'
  AND (wanted.message_reference IS NULL OR n.message_reference = wanted.message_reference)
ORDER BY n.number_id;

-- name: lines_in_sight
-- Up to which number the next `$4` numbers of a campaign reach behind one; NULL when there is none.
SELECT max(number_id) AS until FROM (
    SELECT number_id FROM number WHERE tenant_id = $1 AND campaign_id = $2 AND number_id > $3
    ORDER BY number_id LIMIT $4) AS sight;

-- name: lines_of_references
-- The numbers with one of these references in such a stretch of a campaign that have no result yet.
SELECT number_id FROM number
WHERE tenant_id = $1 AND campaign_id = $2 AND number_id > $3 AND number_id <= $4
  AND message_reference = ANY($5::text[]) AND state <> 'FINAL'
ORDER BY number_id;

-- name: lock_line
-- Until the end of the transaction no pacer claims from the campaign, which a pacer locks for itself alone; a start, or a
-- call that ends and wakes the pacer, waits for nothing.
SELECT campaign_id FROM campaign_pacing WHERE tenant_id = $1 AND campaign_id = $2 FOR KEY SHARE;

-- name: receiver_as_it_stands
-- Where a campaign's results go. A statement of its own, so that it is read after the line was locked: a first result_url
-- that came while the lock was waited for is seen here. No row: the campaign is gone.
SELECT result_url, result_format FROM campaign WHERE tenant_id = $1 AND campaign_id = $2 AND state <> 'DELETED';

-- name: withhold_planned
-- PLANNED | LEASED -> WITHHELD for these numbers, which come back in line. What is being dialed is left alone: its intent
-- and this are the same row, so that it is one or the other.
WITH planned AS (
    SELECT a.attempt_id
    FROM number n
    JOIN attempt a ON a.tenant_id = n.tenant_id AND a.campaign_id = n.campaign_id AND a.number_id = n.number_id
                  AND a.ordinal = n.last_ordinal
    WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = ANY($3::bigint[]) AND n.state = 'IN_ATTEMPT'
      AND a.state IN ('PLANNED', 'LEASED')
    ORDER BY a.attempt_id
    FOR UPDATE OF a
), withheld AS (
    UPDATE attempt a SET state = 'WITHHELD', withheld_because = $4, ended_at = clock_timestamp(), lease_until = NULL
    FROM planned p
    WHERE a.tenant_id = $1 AND a.campaign_id = $2 AND a.attempt_id = p.attempt_id AND a.state IN ('PLANNED', 'LEASED')
    RETURNING a.attempt_id, a.number_id
), freed AS (
    DELETE FROM live_call l USING withheld w WHERE l.tenant_id = $1 AND l.attempt_id = w.attempt_id
)
UPDATE number n SET state = 'READY' FROM withheld w
WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = w.number_id AND n.state = 'IN_ATTEMPT';

-- name: cancel_after_call
-- Those of these numbers that are in a call: it goes on, and none follows it. Before anybody looks for who is in none:
-- a call that ends between the two would bring its number back behind both. Returns how many there are.
WITH in_call AS (
    SELECT number_id FROM number
    WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = ANY($3::bigint[]) AND state = 'IN_ATTEMPT'
    ORDER BY number_id
    FOR NO KEY UPDATE
), marked AS (
    UPDATE number n SET canceled_at = COALESCE(n.canceled_at, clock_timestamp())
    FROM in_call c
    WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = ANY($3::bigint[]) AND n.number_id = c.number_id
    RETURNING 1
)
SELECT count(*) AS in_call FROM marked;

-- name: undialed_of
-- Those of these numbers that are in no attempt, locked, with what their results need; an attempt that was withheld
-- after its intent was no call.
SELECT n.number_id, n.e164, n.message_reference, n.tries,
       (SELECT max(a.intent_at) FROM attempt a
        WHERE n.last_ordinal > 0 AND a.tenant_id = n.tenant_id AND a.campaign_id = n.campaign_id
          AND a.number_id = n.number_id AND a.state = 'DONE') AS intent_at
FROM number n
WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = ANY($3::bigint[]) AND n.state IN ('READY', 'WAITING')
ORDER BY n.number_id
FOR NO KEY UPDATE;

-- name: conclude_without_nested_loops
-- To the end of the transaction, in which nothing comes after. A plan that is made once for any list takes it for ten
-- numbers, and compares each with each: a second for two thousand.
SET LOCAL enable_nestloop = off;
