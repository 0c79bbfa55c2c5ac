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
-- What is remembered of these tenants' origins, pair by pair.
SELECT tenant_id, origin, state, window_began_at, samples, failures, times_opened, shut_until
FROM receiver_circuit JOIN unnest($1::bigint[], $2::text[]) AS asked (tenant_id, origin) USING (tenant_id, origin);

-- name: remember_circuit
-- A circuit as it was judged to be.
INSERT INTO receiver_circuit (tenant_id, origin, state, window_began_at, samples, failures, times_opened, shut_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, origin) DO UPDATE
SET state = excluded.state, window_began_at = excluded.window_began_at, samples = excluded.samples,
    failures = excluded.failures, times_opened = excluded.times_opened, shut_until = excluded.shut_until;

-- name: forget_circuits
-- Origins that nothing is known against, pair by pair.
DELETE FROM receiver_circuit k USING unnest($1::bigint[], $2::text[]) AS asked (tenant_id, origin)
WHERE k.tenant_id = asked.tenant_id AND k.origin = asked.origin;

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
-- QUEUED | RETRY -> SENDING for what is due among the retries or among the first tries (`$1`), at most `$2`. A tenant
-- has at most `$9` posts under way, and `$3` to any one origin; retries at most `$10` and `$4` of them while first tries
-- are due; one probe once the pause of an open circuit is over, and nothing before. To a disabled receiver nothing goes:
-- QUEUED | RETRY -> PARKED.
-- The index is stepped through, tenant by tenant from the one behind `$6` on and round, and within each tenant origin by
-- origin, from the one behind its entry in `$11` and `$12` on and round. One claim looks at `$7` tenants and `$7` origins
-- in all, divided among the tenants, but at `$8` of each at least: thousands of origins of one tenant delay only that
-- tenant, and a backlog costs as much as a single delivery. Each tenant's first row tells how far its walk came. The
-- rows are updated where they were found (ctid): a planner that has to guess how many they are reads the whole table.
-- And every step asks in the whole order of the index of what is due, lest another index, in less of it, look shorter;
-- `OFFSET 0` keeps the planner from asking the same again wherever the answer is used.
WITH RECURSIVE tenants (tenant_id, began, turn) AS (
    SELECT first.tenant_id, first.tenant_id, 1
    FROM (SELECT COALESCE(
        (SELECT d.tenant_id FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1 AND d.tenant_id > $6
         ORDER BY d.tenant_id, d.origin LIMIT 1),
        (SELECT d.tenant_id FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
         ORDER BY d.tenant_id, d.origin LIMIT 1)) AS tenant_id OFFSET 0) AS first
    WHERE first.tenant_id IS NOT NULL
    UNION ALL
    SELECT next.tenant_id, t.began, t.turn + 1
    FROM tenants t
    CROSS JOIN LATERAL (SELECT COALESCE(
        (SELECT d.tenant_id FROM delivery d
         WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1 AND d.tenant_id > t.tenant_id
         ORDER BY d.tenant_id, d.origin LIMIT 1),
        (SELECT d.tenant_id FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
         ORDER BY d.tenant_id, d.origin LIMIT 1)) AS tenant_id OFFSET 0) AS next
    WHERE next.tenant_id <> t.began AND t.turn < $7
), shares AS MATERIALIZED (
    SELECT t.tenant_id, t.turn,
           CASE WHEN $1 AND (
               SELECT n.origin FROM delivery n
               WHERE n.state IN ('QUEUED', 'RETRY') AND NOT n.again AND n.tenant_id = t.tenant_id
               ORDER BY n.origin, n.next_at LIMIT 1) IS NOT NULL
           THEN GREATEST(0, LEAST($10 - under_way.retries, $9 - under_way.posts))
           ELSE GREATEST(0, $9 - under_way.posts) END AS room
    FROM tenants t
    CROSS JOIN LATERAL (
        SELECT count(*) AS posts, count(*) FILTER (WHERE s.again) AS retries
        FROM delivery s WHERE s.state = 'SENDING' AND s.tenant_id = t.tenant_id
    ) AS under_way
), lanes AS MATERIALIZED (
    SELECT s.tenant_id, s.turn, o.origin, o.step
    FROM (SELECT * FROM shares WHERE room > 0 ORDER BY turn) AS s
    CROSS JOIN LATERAL (
        WITH RECURSIVE origins (origin, began, step) AS (
            SELECT first.origin, first.origin, 1
            FROM (SELECT COALESCE(
                (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
                 AND d.tenant_id = s.tenant_id
                 AND d.origin > COALESCE(($12::text[])[array_position($11::bigint[], s.tenant_id)], '')
                 ORDER BY d.origin, d.next_at LIMIT 1),
                (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
                 AND d.tenant_id = s.tenant_id ORDER BY d.origin, d.next_at LIMIT 1)) AS origin OFFSET 0) AS first
            WHERE first.origin IS NOT NULL
            UNION ALL
            SELECT next.origin, o.began, o.step + 1
            FROM origins o
            CROSS JOIN LATERAL (SELECT COALESCE(
                (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
                 AND d.tenant_id = s.tenant_id AND d.origin > o.origin ORDER BY d.origin, d.next_at LIMIT 1),
                (SELECT d.origin FROM delivery d WHERE d.state IN ('QUEUED', 'RETRY') AND d.again = $1
                 AND d.tenant_id = s.tenant_id ORDER BY d.origin, d.next_at LIMIT 1)) AS origin OFFSET 0) AS next
            WHERE next.origin <> o.began
              AND o.step < GREATEST($8, $7 / (SELECT count(*) FROM shares e WHERE e.room > 0))
        )
        SELECT origin, step FROM origins
    ) AS o
    LIMIT $7
), due AS (
    SELECT p.row_at, p.tenant_id, p.campaign_id, p.number_id, s.turn, p.step, p.is_probe,
           EXISTS (SELECT 1 FROM receiver_disabled r WHERE r.tenant_id = p.tenant_id
                   AND r.url_hash = hashtextextended(p.url, 0) AND r.url = p.url) AS is_disabled
    FROM (SELECT * FROM shares WHERE room > 0 ORDER BY turn) AS s
    CROSS JOIN LATERAL (
        SELECT d.*, o.step, c.origin IS NOT NULL AS is_probe
        FROM (SELECT * FROM lanes l WHERE l.tenant_id = s.tenant_id ORDER BY l.step) AS o
        LEFT JOIN LATERAL (
            SELECT k.origin, k.shut_until FROM receiver_circuit k
            WHERE k.tenant_id = s.tenant_id AND k.origin = o.origin AND k.state <> 'CLOSED'
        ) AS c ON true
        CROSS JOIN LATERAL (
            SELECT count(*) AS posts, count(*) FILTER (WHERE s2.again) AS retries
            FROM delivery s2 WHERE s2.state = 'SENDING' AND s2.tenant_id = s.tenant_id AND s2.origin = o.origin
        ) AS under_way
        CROSS JOIN LATERAL (
            SELECT f.ctid AS row_at, f.tenant_id, f.campaign_id, f.number_id, f.url FROM delivery f
            WHERE f.state IN ('QUEUED', 'RETRY') AND f.again = $1 AND f.tenant_id = s.tenant_id
              AND f.origin = o.origin AND f.next_at <= statement_timestamp()
            ORDER BY f.next_at
            LIMIT CASE
                WHEN c.shut_until > statement_timestamp() THEN 0
                WHEN c.origin IS NOT NULL THEN 1
                WHEN $1 AND (
                    SELECT n.next_at FROM delivery n WHERE n.state IN ('QUEUED', 'RETRY') AND NOT n.again
                    AND n.tenant_id = s.tenant_id AND n.origin = o.origin
                    ORDER BY n.next_at LIMIT 1) <= statement_timestamp()
                THEN GREATEST(0, LEAST($4 - under_way.retries, $3 - under_way.posts))
                ELSE GREATEST(0, $3 - under_way.posts) END
            FOR UPDATE SKIP LOCKED
        ) AS d
        LIMIT s.room
    ) AS p
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
    FROM claimed c WHERE c.is_probe AND c.state = 'SENDING' AND k.tenant_id = c.tenant_id AND k.origin = c.origin
)
SELECT s.turn, s.tenant_id AS walked_tenant_id, walk.origins, walk.reached, s.room, clock_timestamp() AS now,
       c.state::text, c.tenant_id, c.campaign_id, c.number_id, c.epoch, c.tries, c.again, c.is_probe, c.origin,
       c.webhook_id, c.url, c.content_type, c.body, t.webhook_keys
FROM shares s
CROSS JOIN LATERAL (
    SELECT count(*) AS origins, (array_agg(l.origin ORDER BY l.step DESC))[1] AS reached
    FROM lanes l WHERE l.tenant_id = s.tenant_id
) AS walk
LEFT JOIN (claimed c JOIN tenant t USING (tenant_id)) ON c.tenant_id = s.tenant_id
ORDER BY s.turn, c.step, c.next_at;

-- name: give_back_delivery
-- SENDING -> RETRY for one whose try never began: it stands as before the claim, costs no try, and is due after `$5` s.
-- No row: the lease had gone.
UPDATE delivery
SET state = 'RETRY', lease_until = NULL, next_at = clock_timestamp() + make_interval(secs => $5)
WHERE tenant_id = $1 AND campaign_id = $2 AND number_id = $3 AND epoch = $4 AND state = 'SENDING'
RETURNING number_id;

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
