-- A delivery's state becomes a text with a check, because people ask for deliveries by their state: comparing enums is
-- not leakproof, so that under row-level security the planner may use neither an index on a state nor what it knows of
-- how frequent one is, and takes every delivery for one that is being sent.

ALTER TYPE delivery_state RENAME TO delivery_state_before;
CREATE DOMAIN delivery_state AS text CHECK (VALUE IN ('QUEUED', 'SENDING', 'RETRY', 'DELIVERED', 'FAILED', 'PARKED'));

-- Their conditions name the old type; they are made again below.
DROP INDEX delivery_due, delivery_sending, delivery_open;
ALTER TABLE delivery DROP CONSTRAINT delivery_check;

ALTER TABLE delivery
    ALTER COLUMN state DROP DEFAULT,
    ALTER COLUMN state TYPE delivery_state USING state::text,
    ALTER COLUMN state SET DEFAULT 'QUEUED',
    ADD CONSTRAINT delivery_check CHECK ((state = 'SENDING') = (lease_until IS NOT NULL));

CREATE INDEX delivery_due ON delivery (again, origin, next_at) WHERE state IN ('QUEUED', 'RETRY');
CREATE INDEX delivery_sending ON delivery (origin, lease_until) WHERE state = 'SENDING';
CREATE INDEX delivery_open ON delivery (tenant_id, state, number_id) WHERE state <> 'DELIVERED';

DROP TYPE delivery_state_before;
