-- The lines of a campaign that keeps to callees' hours, one for each set of zones. The pacer's role sees every tenant.

-- name: zones_of_campaign
-- Every set of zones that numbers of a campaign are at home in.
SELECT zones_no, zones FROM callee_zones WHERE tenant_id = $1 AND campaign_id = $2;

-- name: claim_numbers_by_zones
-- As claim_numbers, from the lines of the zones that are open (`$5`, until `$6`): numbers whose time has come first, then
-- the lines by batch and line, each from its own cursor on. What is found is looked at again when it is locked.
WITH open_zones AS (
    SELECT o.zones_no, o.closes_at, z.claimed_batch_no, z.claimed_line_no
    FROM unnest($5::integer[], $6::timestamptz[]) AS o (zones_no, closes_at)
    JOIN callee_zones z ON z.tenant_id = $1 AND z.campaign_id = $2 AND z.zones_no = o.zones_no
), found AS (
    (SELECT 0 AS turn, w.number_id, w.next_at AS by_time, 0 AS batch_no, 0::bigint AS line_no, z.zones_no, z.closes_at
     FROM open_zones z CROSS JOIN LATERAL (
         SELECT number_id, next_at FROM number
         WHERE tenant_id = $1 AND campaign_id = $2 AND zones_no = z.zones_no AND state = 'WAITING' AND next_at <= $3
           AND canceled_at IS NULL
         ORDER BY next_at LIMIT $4) AS w
     ORDER BY by_time LIMIT $4)
    UNION ALL
    (SELECT 1, l.number_id, NULL, l.batch_no, l.line_no, z.zones_no, z.closes_at
     FROM open_zones z CROSS JOIN LATERAL (
         SELECT number_id, batch_no, line_no FROM number
         WHERE tenant_id = $1 AND campaign_id = $2 AND zones_no = z.zones_no AND state = 'READY'
           AND (batch_no, line_no) > (z.claimed_batch_no, z.claimed_line_no) AND canceled_at IS NULL
         ORDER BY batch_no, line_no LIMIT $4) AS l
     ORDER BY l.batch_no, l.line_no LIMIT $4)
), first_found AS (
    SELECT * FROM found ORDER BY turn, by_time, batch_no, line_no LIMIT $4
), locked AS (
    SELECT f.* FROM first_found f
    JOIN number n ON n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = f.number_id
    WHERE n.number_id = ANY (ARRAY(SELECT number_id FROM first_found))
      AND n.state = CASE f.turn WHEN 0 THEN 'WAITING'::number_state ELSE 'READY' END
    FOR UPDATE OF n SKIP LOCKED
), picked AS (
    SELECT *, row_number() OVER (ORDER BY turn, by_time, batch_no, line_no) AS place FROM locked
), taken AS (
    UPDATE number n SET state = 'IN_ATTEMPT', next_at = NULL, last_ordinal = last_ordinal + 1
    FROM picked p
    WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.number_id = ANY (ARRAY(SELECT number_id FROM picked))
      AND n.number_id = p.number_id
    RETURNING n.number_id, n.last_ordinal, p.turn, p.place, p.batch_no, p.line_no, p.zones_no, p.closes_at
), moved AS (
    UPDATE callee_zones z SET claimed_batch_no = t.batch_no, claimed_line_no = t.line_no
    FROM (SELECT DISTINCT ON (zones_no) zones_no, batch_no, line_no FROM taken WHERE turn = 1
          ORDER BY zones_no, batch_no DESC, line_no DESC) AS t
    WHERE z.tenant_id = $1 AND z.campaign_id = $2 AND z.zones_no = t.zones_no
), planned AS (
    INSERT INTO attempt (tenant_id, campaign_id, number_id, ordinal, emission_no, paced, due_at, send_by,
                         window_closes_at, callee_closes_at, campaign_epoch)
    SELECT $1, $2, t.number_id, t.last_ordinal, $7 + t.place - 1, true, d.due_at,
           LEAST(d.due_at + make_interval(secs => $10), d.closes_at - interval '2 ms'), d.closes_at, t.closes_at, $11
    FROM taken t JOIN unnest($8::timestamptz[], $9::timestamptz[]) WITH ORDINALITY AS d (due_at, closes_at, place)
         USING (place)
    RETURNING attempt_id, emission_no
)
SELECT attempt_id FROM planned ORDER BY emission_no;

-- name: look_at_whole_lines
-- Numbers behind a cursor were returned to their line: forget the cursors of these zones. No row: none had one.
UPDATE callee_zones SET claimed_batch_no = 0, claimed_line_no = 0
WHERE tenant_id = $1 AND campaign_id = $2 AND zones_no = ANY($3::integer[])
  AND (claimed_batch_no, claimed_line_no) <> (0, 0)
RETURNING zones_no;

-- name: lines_by_zones
-- Who is still to be called, by zones: whether anybody is in line, and when the first of those who wait may be called.
SELECT z.zones,
       EXISTS (SELECT 1 FROM number n
               WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.zones_no = z.zones_no AND n.state = 'READY') AS in_line,
       (SELECT min(n.next_at) FROM number n
        WHERE n.tenant_id = $1 AND n.campaign_id = $2 AND n.zones_no = z.zones_no AND n.state = 'WAITING') AS next_at
FROM callee_zones z
WHERE z.tenant_id = $1 AND z.campaign_id = $2;
