-- What a receiver does to one tenant is that tenant's own affair. Of two tenants that post to the same origin, one with a
-- URL that always fails would otherwise shut it for the other. What was remembered is forgotten: it is minutes old.

DELETE FROM receiver_circuit;
ALTER TABLE receiver_circuit
    ADD COLUMN tenant_id bigint NOT NULL REFERENCES tenant,
    DROP CONSTRAINT receiver_circuit_pkey,
    ADD PRIMARY KEY (tenant_id, origin);
ALTER TABLE receiver_circuit ENABLE ROW LEVEL SECURITY;
ALTER TABLE receiver_circuit FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON receiver_circuit
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint);
CREATE POLICY every_tenant ON receiver_circuit TO paceline_deliverer USING (true);

-- A claim walks from tenant to tenant, and within each from origin to origin.
DROP INDEX delivery_due, delivery_sending;
CREATE INDEX delivery_due ON delivery (again, tenant_id, origin, next_at) WHERE state IN ('QUEUED', 'RETRY');
CREATE INDEX delivery_sending ON delivery (tenant_id, origin, lease_until) WHERE state = 'SENDING';

-- A replay takes back that a result has arrived: it is on its way again.
GRANT UPDATE (delivered_at) ON delivery TO paceline_api;
-- Of every tenant: its owner must not be shown none of them.
ALTER TABLE delivery NO FORCE ROW LEVEL SECURITY;
UPDATE delivery SET delivered_at = NULL WHERE state <> 'DELIVERED' AND delivered_at IS NOT NULL;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
