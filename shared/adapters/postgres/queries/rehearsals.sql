-- What would become of a phone list, which was staged as an upload is; in the role of the API.

-- name: rehearse
-- What would become of the staged lines, by the zones that their numbers are at home in. `$2` is NULL for a campaign that
-- is not made yet, and takes the same number with the same reference for a duplicate. The keys are reckoned first, once
-- for each line: within the look for them, row-level security kept them from the index, and every line was compared with
-- every number of the campaign.
WITH campaign_rule AS (
    SELECT COALESCE((SELECT dedupe FROM campaign WHERE tenant_id = $1 AND campaign_id = $2), 'number_and_reference')
        AS dedupe
), keyed AS MATERIALIZED (
    SELECT line_no, e164, zones_place,
           CASE r.dedupe
               WHEN 'number_and_reference' THEN
                   substring(sha256(convert_to(e164 || ',' || COALESCE(message_reference, ''), 'UTF8')) FOR 16)
               WHEN 'number' THEN substring(sha256(convert_to(e164, 'UTF8')) FOR 16)
           END AS dedupe_key
    FROM staged_number CROSS JOIN campaign_rule r
), judged AS (
    SELECT k.line_no, k.zones_place,
           k.dedupe_key IS NOT NULL AND (
               row_number() OVER (PARTITION BY k.dedupe_key ORDER BY k.line_no) > 1
               OR EXISTS (SELECT 1 FROM number n
                          WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.dedupe_key = k.dedupe_key)) AS duplicate,
           EXISTS (SELECT 1 FROM blocklist b WHERE b.tenant_id = $1 AND b.e164 = k.e164) AS blocked
    FROM keyed k
)
SELECT zones_place, duplicate, blocked AND NOT duplicate AS blocked, count(*) AS lines,
       (array_agg(line_no ORDER BY line_no))[:$3] AS first_lines
FROM judged
GROUP BY 1, 2, 3;

-- name: rehearsed_lines
-- Staged lines by their numbers.
SELECT line_no, e164, ani, post_dial, message_reference, variables, zones_place FROM staged_number
WHERE line_no = ANY($1::bigint[]) ORDER BY line_no;
