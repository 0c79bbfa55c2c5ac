-- Places on trunks. A dialer takes and leaves them for many legs at once, in one short transaction; all of a trunk's
-- caps hold because one such transaction counts at a time for each trunk.

-- name: count_alone
-- Whoever counts on a trunk keeps others from it until what it took is committed. Locks are taken in one order by all,
-- so that no two wait for each other; one that freezes while it counts keeps them off no longer than a frozen pacer does.
SELECT set_config('idle_in_transaction_session_timeout', '2s', true), pg_advisory_xact_lock($1, key)
FROM (SELECT DISTINCT hashtext(name) AS key FROM unnest($2::text[]) AS name ORDER BY key) AS keys;

-- name: leave_places
-- Legs that are over: a place whose instant may still count for a second is kept for that.
WITH gone AS (
    DELETE FROM trunk_place WHERE leg = ANY ($1::text[]) AND sends_at < statement_timestamp() - interval '2 s'
)
UPDATE trunk_place SET over = true
WHERE leg = ANY ($1::text[]) AND NOT over AND sends_at >= statement_timestamp() - interval '2 s';

-- name: trunks_in_use
-- Trunks that may be used, with their caps, the channels taken, and the latest instants, newest first, in seconds since
-- 1970.
SELECT t.name, t.channels, t.calls_per_second,
       (SELECT count(*) FROM trunk_place p WHERE p.trunk = t.name AND NOT p.over) AS legs,
       ARRAY (SELECT extract(epoch FROM p.sends_at)::float8 FROM trunk_place p
              WHERE p.trunk = t.name AND p.sends_at > statement_timestamp() - interval '2 s'
              ORDER BY p.sends_at DESC LIMIT COALESCE(t.calls_per_second, 0)) AS instants
FROM trunk t
WHERE t.name = ANY ($1::text[]) AND t.disabled_at IS NULL;

-- name: take_places
-- One row for each leg that has got its place.
INSERT INTO trunk_place (trunk, leg, fence, is_second, sends_at)
SELECT taken.trunk, taken.leg, taken.fence, taken.is_second, to_timestamp(taken.sends_at)
FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::float8[])
    AS taken (trunk, leg, fence, is_second, sends_at);
