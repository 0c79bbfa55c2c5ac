-- How many calls a tenant may have at once: an operator's word, which the pacer's claims read.

-- name: set_tenant_cap
-- NULL takes it away. No row: there is no such tenant.
UPDATE tenant SET calls_at_once = $2 WHERE name = $1 RETURNING tenant_id;

-- name: tenant_caps
-- Every cap with what counts against it now.
SELECT t.name AS tenant, t.calls_at_once, (
    SELECT count(*) FROM attempt a WHERE a.tenant_id = t.tenant_id
        AND a.state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN')) AS under_way
FROM tenant t WHERE t.calls_at_once IS NOT NULL ORDER BY t.name LIMIT $1;
