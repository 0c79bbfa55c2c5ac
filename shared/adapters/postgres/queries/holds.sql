-- Holds, in the role of the API or of the command line.

-- name: place_hold
-- A reason not to dial, from now on.
INSERT INTO hold (tenant_id, campaign_id, reason, hang_up) VALUES ($1, $2, $3, $4)
RETURNING hold_id, tenant_id, campaign_id, reason, hang_up, placed_at;

-- name: standing_holds
-- What binds a tenant, the platform's holds included.
SELECT hold_id, tenant_id, campaign_id, reason, hang_up, placed_at FROM hold
WHERE tenant_id IN (0, $1) AND released_at IS NULL
ORDER BY placed_at LIMIT $2;

-- name: release_holds
-- All holds of a tenant, or of one of its campaigns.
UPDATE hold SET released_at = clock_timestamp()
WHERE tenant_id = $1 AND released_at IS NULL AND ($2::bigint IS NULL OR campaign_id = $2)
RETURNING hold_id;
