-- What a deliverer does. Its role sees the deliveries of every tenant, and nothing else of theirs but the keys and
-- which receivers are disabled.

-- name: one_claim_at_a_time
-- Claims, and judgements of circuits, one after the other: what counts posts under way must see every other claim, and
-- in its own statement, since a statement sees what was committed before it began. And no scans of whole tables: before
-- its statistics are fresh the planner may take a queue for a short one, and a claim must never read a backlog.
SELECT pg_advisory_xact_lock(hashtext('paceline: claim deliveries')), set_config('enable_seqscan', 'off', true);

-- name: deliverer_now
-- The clock by which circuits are judged.
SELECT clock_timestamp() AS now;

-- name: circuits
-- What is remembered of these origins.
SELECT origin, state, window_began_at, samples, failures, times_opened, shut_until
FROM receiver_circuit WHERE origin = ANY ($1::text[]);

-- name: remember_circuit
-- A circuit as it was judged to be.
INSERT INTO receiver_circuit (origin, state, window_began_at, samples, failures, times_opened, shut_until)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (origin) DO UPDATE
SET state = excluded.state, window_began_at = excluded.window_began_at, samples = excluded.samples,
    failures = excluded.failures, times_opened = excluded.times_opened, shut_until = excluded.shut_until;

-- name: forget_circuits
-- Origins that nothing is known against.
DELETE FROM receiver_circuit WHERE origin = ANY ($1::text[]);

-- name: free_expired_deliveries
-- SENDING -> RETRY for what a silent deliverer held. The try stands in the log, since it may have arrived.
WITH expired AS (
    SELECT tenant_id, campaign_id, number_id FROM delivery
    WHERE state = 'SENDING' AND lease_until < statement_timestamp()
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), freed AS (
    UPDATE delivery d SET state = 'RETRY', tries = tries + 1, lease_until = NULL, next_at = clock_timestamp()
    FROM expired e
    WHERE d.tenant_id = e.tenant_id AND d.campaign_id = e.campaign_id AND d.number_id = e.number_id
    RETURNING d.tenant_id, d.campaign_id, d.number_id, d.tries + d.tries_before AS try_no
)
INSERT INTO delivery_try (tenant_id, campaign_id, number_id, try_no, error)
SELECT tenant_id, campaign_id, number_id, try_no, $2 FROM freed
RETURNING try_no;

-- name: claim_deliveries
-- QUEUED | RETRY -> SENDING for what is due among the retries or among the first tries (`$1`), at most `$2`. An origin
-- has at most `$3` posts under way, retries at most `$4` of them while first tries are due; one probe once the pause of
-- an open circuit is over, and nothing before. To a disabled receiver nothing goes: QUEUED | RETRY -> PARKED.
-- The origins are stepped through by the index, from the one behind `$6` on and round, at most `$7` of them: a backlog
-- costs as much as a single delivery, and `reached` tells where the next claim goes on. The rows are updated where they
-- were found (ctid): a planner that has to guess how many they are reads the whole table instead.
WITH RECURSIVE origins (origin, began, step) AS (
    SELECT first.origin, first.origin, 1
    FROM (SELECT COALESCE(
        (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1 AND d.origin > $6
         ORDER BY d.origin LIMIT 1),
        (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
         ORDER BY d.origin LIMIT 1)) AS origin) AS first
    WHERE first.origin IS NOT NULL
    UNION ALL
    SELECT next.origin, o.began, o.step + 1
    FROM origins o
    CROSS JOIN LATERAL (SELECT COALESCE(
        (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1 AND d.origin > o.origin
         ORDER BY d.origin LIMIT 1),
        (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
         ORDER BY d.origin LIMIT 1)) AS origin) AS next
    WHERE next.origin <> o.began AND o.step < $7
), due AS (
    SELECT d.row_at, d.tenant_id, d.campaign_id, d.number_id, o.step, c.origin IS NOT NULL AS is_probe,
           EXISTS (SELECT 1 FROM receiver_disabled r WHERE r.tenant_id = d.tenant_id
                   AND r.url_hash = hashtextextended(d.url, 0) AND r.url = d.url) AS is_disabled
    FROM origins o
    LEFT JOIN LATERAL (
        SELECT k.origin, k.shut_until FROM receiver_circuit k WHERE k.origin = o.origin AND k.state <> 'CLOSED'
    ) AS c ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS posts, count(*) FILTER (WHERE s.again) AS retries
        FROM delivery s WHERE s.state = 'SENDING' AND s.origin = o.origin
    ) AS under_way
    CROSS JOIN LATERAL (
        SELECT f.ctid AS row_at, f.tenant_id, f.campaign_id, f.number_id, f.url FROM delivery f
        WHERE f.state IN ('QUEUED', 'RETRY') AND f.again = $1 AND f.origin = o.origin
          AND f.next_at <= statement_timestamp()
        ORDER BY f.next_at
        LIMIT CASE
            WHEN c.shut_until > statement_timestamp() THEN 0
            WHEN c.origin IS NOT NULL THEN 1
            WHEN $1 AND EXISTS (
                SELECT 1 FROM delivery n WHERE n.state IN ('QUEUED', 'RETRY') AND NOT n.again AND n.origin = o.origin
                AND n.next_at <= statement_timestamp())
            THEN GREATEST(0, LEAST($4 - under_way.retries, $3 - under_way.posts))
            ELSE GREATEST(0, $3 - under_way.posts) END
        FOR UPDATE SKIP LOCKED
    ) AS d
    LIMIT $2
), claimed AS (
    UPDATE delivery d
    SET state = (CASE WHEN due.is_disabled THEN 'PARKED' ELSE 'SENDING' END)::delivery_state, epoch = epoch + 1,
        lease_until = CASE WHEN NOT due.is_disabled THEN clock_timestamp() + make_interval(secs => $5) END
    FROM due
    WHERE d.ctid = ANY (ARRAY(SELECT row_at FROM due))
      AND d.tenant_id = due.tenant_id AND d.campaign_id = due.campaign_id AND d.number_id = due.number_id
    RETURNING d.*, due.step, due.is_probe
), probing AS (
    UPDATE receiver_circuit k SET state = 'PROBING', shut_until = clock_timestamp() + make_interval(secs => $5)
    FROM claimed c WHERE c.is_probe AND c.state = 'SENDING' AND k.origin = c.origin
)
SELECT reached.origin AS reached, clock_timestamp() AS now, c.state::text, c.tenant_id, c.campaign_id, c.number_id,
       c.epoch, c.tries, c.again, c.is_probe, c.origin, c.webhook_id, c.url, c.content_type, c.body, t.webhook_keys
FROM (SELECT origin FROM origins ORDER BY step DESC LIMIT 1) AS reached
LEFT JOIN (claimed c JOIN tenant t USING (tenant_id)) ON true
ORDER BY c.step, c.next_at;

-- name: settle_delivery
-- SENDING -> DELIVERED | RETRY | FAILED | PARKED as decided, and the try's line in the log. No row: the lease had gone.
WITH settled AS (
    UPDATE delivery
    SET state = $5::delivery_state, tries = tries + 1, lease_until = NULL,
        next_at = clock_timestamp() + make_interval(secs => $6),
        delivered_at = CASE WHEN $5 = 'DELIVERED' THEN clock_timestamp() END
    WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = $3 AND epoch = $4 AND state = 'SENDING'
    RETURNING tenant_id, campaign_id, number_id, tries + tries_before AS try_no
)
INSERT INTO delivery_try (tenant_id, campaign_id, number_id, try_no, status, error, resolve_ms, connect_ms, total_ms,
                          answer)
SELECT tenant_id, campaign_id, number_id, try_no, $7, $8, $9, $10, $11, $12 FROM settled
RETURNING try_no;

-- name: disable_receiver
-- A receiver that wants no more; whether it is so from now on. One that is disabled already is locked, so that whoever
-- enables it waits for the delivery that is being parked here, and finds it.
INSERT INTO receiver_disabled (tenant_id, url, reason) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, url_hash) DO UPDATE SET reason = excluded.reason
RETURNING xmax = 0 AS is_new;

-- name: allow_a_long_park
-- Hundreds of thousands of results may wait for one receiver.
SET LOCAL statement_timeout = '10min';

-- name: park_deliveries
-- QUEUED | RETRY -> PARKED for everything that waits for a receiver that was just disabled.
UPDATE delivery SET state = 'PARKED'
WHERE state IN ('QUEUED', 'RETRY') AND again IN (false, true) AND origin = $2 AND tenant_id = $1 AND url = $3;
