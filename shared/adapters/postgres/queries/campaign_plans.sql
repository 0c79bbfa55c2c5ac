-- What a plan is made of, all from one snapshot of one tenant.

-- name: hold_on
-- Let every statement of this transaction see the same instant.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: campaign_to_plan
-- Where a campaign and its pacing stand, and how many numbers are in line.
SELECT c.name, c.state, c.started_at, c.time_zone, c.tries_allowed, c.retry_seconds, c.retry_seconds_by_outcome,
       c.callee_from_minute, c.callee_until_minute, clock_timestamp() AS now,
       p.cycle_started_at, p.cycle_period_minutes, p.cycle_amount, p.cycle_gap_minutes, p.cycle_next_slot, p.emitted,
       p.last_due_at, p.ring_bounds, p.idle_since,
       COALESCE(
           (SELECT h.reason FROM hold h
            WHERE h.tenant_id IN (0, c.tenant_id) AND h.released_at IS NULL
              AND (h.campaign_id IS NULL OR h.campaign_id = c.campaign_id)
            ORDER BY h.placed_at LIMIT 1),
           (SELECT t.reason FROM telephony_trouble t WHERE c.state = 'RUNNING')) AS held_because,
       (SELECT count(*) FROM number n
        WHERE n.tenant_id = c.tenant_id AND n.campaign_id = c.campaign_id AND n.state = 'READY') AS ready,
       (SELECT count(*) FROM number n
        WHERE n.tenant_id = c.tenant_id AND n.campaign_id = c.campaign_id AND n.state = 'WAITING') AS waiting
FROM campaign c JOIN campaign_pacing p USING (tenant_id, campaign_id)
WHERE c.tenant_id = $1 AND c.campaign_id = $2 AND c.dialect = $3 AND c.state <> 'DELETED';

-- name: zones_of_numbers
-- Every set of zones that its numbers are at home in.
SELECT zones_no, zones FROM callee_zones WHERE tenant_id = $1 AND campaign_id = $2;

-- name: attempts_under_way
-- Attempts that were planned and are not over, as long as nobody has lost them; `left`: the phone may ring by now.
SELECT n.number_id, n.e164, n.tries, n.zones_no, a.due_at, a.state NOT IN ('PLANNED', 'LEASED') AS left,
       a.campaign_epoch = c.epoch AS will_leave
FROM attempt a
JOIN number n USING (tenant_id, campaign_id, number_id)
JOIN campaign c USING (tenant_id, campaign_id)
WHERE a.tenant_id = $1 AND a.campaign_id = $2
  AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL')
ORDER BY n.batch_no, n.line_no;

-- name: recent_emissions
-- Due instants of the emissions of a range of numbers, as far as they may still matter.
SELECT emission_no, due_at FROM attempt
WHERE tenant_id = $1 AND campaign_id = $2 AND emission_no BETWEEN $3 AND $4 AND due_at > $5;

-- name: numbers_waiting
-- Who waits for another try.
SELECT number_id, e164, tries, zones_no, next_at FROM number
WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'WAITING'
ORDER BY next_at;

-- name: numbers_in_line
-- The line.
SELECT number_id, e164, tries, zones_no, next_at FROM number
WHERE tenant_id = $1 AND campaign_id = $2 AND state = 'READY'
ORDER BY batch_no, line_no;
