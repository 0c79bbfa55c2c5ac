-- Trunks. The command line makes them; dialers read those that may be used.

-- name: usable_trunks
-- Every way out that is not disabled, with what opens it.
SELECT name, host, port, username, sealed_secret, caller_id, prefix, priority, channels, calls_per_second, pings,
       asserted_identity
FROM trunk WHERE host IS NOT NULL AND disabled_at IS NULL
ORDER BY name LIMIT $1;
