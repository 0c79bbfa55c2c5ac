-- How a phone list is taken in: staged in a temporary table, numbered and published in one transaction.
-- COPY is refused under row-level security, so the rows go through a staging table of the session.

-- name: make_staging
-- The session's staging table; it empties itself at the end of every transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS staged_number (
    line_no bigint NOT NULL, e164 text NOT NULL, ani text, post_dial text, message_reference text, variables jsonb,
    time_zone text, zones_place integer  -- in the order in which this upload met with them
) ON COMMIT DELETE ROWS;

-- name: allow_a_long_upload
-- A list of millions takes longer than any other statement may.
SET LOCAL statement_timeout = '15min';

-- name: next_batch
-- Take the campaign's next batch number; uploads to one campaign are published one after the other.
UPDATE campaign_queue SET last_batch_no = last_batch_no + 1
WHERE tenant_id = $1 AND campaign_id = $2
RETURNING last_batch_no;

-- name: open_batch
-- The batch itself; all that there is to be told of it follows, and is then one entry of the audit log.
INSERT INTO batch (tenant_id, campaign_id, batch_no) VALUES ($1, $2, $3);

-- name: callee_rule
-- Whether a campaign keeps to callees' hours, and where a number is at home of which nothing is known.
SELECT callee_from_minute IS NOT NULL AS by_callee, time_zone FROM campaign WHERE tenant_id = $1 AND campaign_id = $2;

-- name: number_policy
-- What the operator lets the tenant call and as whom, and whose number a campaign shows; `$2` is NULL before it is made.
SELECT t.countries, t.premium_allowed, t.verified_callers_only,
       ARRAY(SELECT v.e164 FROM verified_caller v WHERE v.tenant_id = t.tenant_id) AS verified,
       (SELECT caller_id FROM campaign WHERE tenant_id = t.tenant_id AND campaign_id = $2) AS caller_id
FROM tenant t WHERE t.tenant_id = $1;

-- name: number_zones_taken_in
-- The number of a set of zones in a campaign, a new one where it has none yet. Only under the lock on the campaign's queue.
WITH made AS (
    INSERT INTO callee_zones (tenant_id, campaign_id, zones_no, zones)
    SELECT $1, $2, COALESCE(max(zones_no), 0) + 1, $3 FROM callee_zones WHERE tenant_id = $1 AND campaign_id = $2
    ON CONFLICT ON CONSTRAINT callee_zones_once DO NOTHING
    RETURNING zones_no
)
SELECT zones_no FROM made
UNION ALL
SELECT zones_no FROM callee_zones WHERE tenant_id = $1 AND campaign_id = $2 AND zones = $3;

-- name: publish_numbers
-- The staged lines become numbers of the batch. The same number with the same reference is taken once in a campaign,
-- or the same number once, or every line, as the campaign says. `$4` holds the numbers of the zones by their places.
WITH campaign_rule AS (
    SELECT dedupe FROM campaign WHERE tenant_id = $1 AND campaign_id = $2
), published AS (
    INSERT INTO number (tenant_id, campaign_id, batch_no, line_no, e164, ani, post_dial, message_reference, variables,
                        time_zone, zones_no, dedupe_key)
    SELECT $1, $2, $3, line_no, e164, ani, post_dial, message_reference, variables, time_zone,
           ($4::integer[])[zones_place],
           CASE r.dedupe
               WHEN 'number_and_reference' THEN
                   substring(sha256(convert_to(e164 || ',' || COALESCE(message_reference, ''), 'UTF8')) FOR 16)
               WHEN 'number' THEN substring(sha256(convert_to(e164, 'UTF8')) FOR 16)
           END
    FROM staged_number CROSS JOIN campaign_rule r
    ORDER BY line_no
    ON CONFLICT (tenant_id, campaign_id, dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
    RETURNING number_id
)
SELECT count(*) AS accepted, min(number_id) AS first_number_id, max(number_id) AS last_number_id FROM published;

-- name: staged_count
-- How many lines were staged.
SELECT count(*) AS staged FROM staged_number;

-- name: duplicate_lines
-- The first lines that were taken already.
SELECT s.line_no, s.e164 || COALESCE(',' || s.message_reference, '') AS line
FROM staged_number s
LEFT JOIN number n ON n.tenant_id = $1 AND n.campaign_id = $2 AND n.batch_no = $3 AND n.line_no = s.line_no
WHERE n.number_id IS NULL
ORDER BY s.line_no LIMIT $4;

-- name: close_batch
-- The batch's file and counts, when it was published, and between which ids its numbers lie.
UPDATE batch SET file_name = $4, refused = $5, accepted = $6, duplicates = $7, first_number_id = $8,
                 last_number_id = $9, published_at = clock_timestamp()
WHERE tenant_id = $1 AND campaign_id = $2 AND batch_no = $3;

-- name: count_accepted
-- The campaign's total.
UPDATE campaign_queue SET accepted = accepted + $3 WHERE tenant_id = $1 AND campaign_id = $2;

-- name: keep_refused_line
-- A line that was not taken, with its number and reason.
INSERT INTO refused_line (tenant_id, campaign_id, batch_no, line_no, line, reason) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING;
