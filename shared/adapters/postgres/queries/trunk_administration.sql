-- Trunks, as an operator makes them. A secret goes in and never comes out here.

-- name: add_trunk
-- A new way out; no row where the name is taken.
INSERT INTO trunk (
    name, host, port, username, sealed_secret, caller_id, prefix, priority, channels, calls_per_second, pings,
    asserted_identity)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (name) DO NOTHING
RETURNING name;

-- name: list_trunks
-- All of them, the disabled ones too, with the channels that are taken now.
SELECT name, host, port, username, caller_id, prefix, priority, channels, calls_per_second, pings,
       asserted_identity, disabled_at IS NOT NULL AS disabled,
       (SELECT count(*) FROM trunk_place p WHERE p.trunk = trunk.name AND NOT p.over) AS in_use
FROM trunk WHERE host IS NOT NULL
ORDER BY prefix, priority, name LIMIT $1;

-- name: switch_trunk
-- Take a trunk out of use, or back into it; no row where there is none.
UPDATE trunk SET disabled_at = CASE WHEN $2::boolean THEN COALESCE(disabled_at, clock_timestamp()) END
WHERE name = $1 AND host IS NOT NULL
RETURNING name;
