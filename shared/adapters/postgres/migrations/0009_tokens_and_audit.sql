-- Tokens that tenants make themselves, requests that are done once, what a tenant may upload in a day, and the log of
-- who changed what.

-- Tokens ------------------------------------------------------------------------------------------------------
-- Those that exist are admins already: that was the column's default before anybody could choose.
ALTER TABLE api_token ADD COLUMN last_used_at timestamptz;  -- coarse: moved on every ten minutes at most
GRANT INSERT ON api_token TO paceline_api;
GRANT UPDATE (last_used_at, revoked_at) ON api_token TO paceline_api;

-- Requests that are done once -----------------------------------------------------------------------------------
-- A row is written in the transaction that makes the change, so that there is no change without its answer and no
-- answer without its change. While a request is under way its key is an advisory lock of that transaction: a crash
-- lets go of both.
CREATE TABLE idempotency_key (
    tenant_id bigint NOT NULL REFERENCES tenant,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),  -- SHA-256 of method, path, query and body
    status smallint NOT NULL,
    content_type text NOT NULL,
    body bytea CHECK (length(body) <= 65536),  -- NULL: too long to be kept, or it holds a secret
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_key_by_age ON idempotency_key (tenant_id, answered_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO paceline_api;

-- Numbers per day -----------------------------------------------------------------------------------------------
CREATE TABLE numbers_taken (
    tenant_id bigint NOT NULL REFERENCES tenant,
    day date NOT NULL,  -- UTC
    numbers bigint NOT NULL,
    PRIMARY KEY (tenant_id, day)
);
GRANT SELECT, INSERT, UPDATE ON numbers_taken TO paceline_api;

-- The audit log ---------------------------------------------------------------------------------------------------
-- Written by triggers, in the transaction of the change: no statement of any process, present or future, can forget it,
-- and a change by hand in psql is in it too. Who asked comes from `app.actor`, which a process sets for its transaction;
-- where nothing is set, the role of the process is all that is known.
CREATE TABLE audit_log (
    tenant_id bigint NOT NULL,  -- 0: the platform
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    process text NOT NULL,  -- the role that made the change
    token_id bigint,
    actor text,  -- the token's name, or who sat at the command line
    method text,
    route text,  -- as the API's description has it
    path text,
    action text NOT NULL CHECK (action IN ('insert', 'update', 'delete')),
    table_name text NOT NULL,
    object_type text NOT NULL,
    object_id text,  -- NULL: many at once
    rows bigint,  -- NULL: not counted
    before jsonb,  -- of an update, what it changed
    after jsonb,
    PRIMARY KEY (tenant_id, audit_id)
);
CREATE INDEX audit_log_by_object ON audit_log (tenant_id, object_type, object_id, audit_id);

-- Who asked, as hexadecimal JSON: it holds names that customers chose, and hexadecimal digits need no quoting.
CREATE FUNCTION audit_actor() RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT convert_from(decode(NULLIF(current_setting('app.actor', true), ''), 'hex'), 'UTF8')::jsonb
$$;

-- A row as it may be shown: hashes are left out, sealed keys are counted, and a long value is cut, so that an entry has
-- some kilobytes at most.
CREATE FUNCTION audit_shown(doc jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public AS $$
    SELECT jsonb_object_agg(key, CASE
        WHEN key = 'webhook_keys' THEN to_jsonb(jsonb_array_length(value))
        WHEN length(value::text) > 500 THEN to_jsonb(left(value::text, 500) || '…')
        ELSE value END)
    FROM jsonb_each(doc - 'secret_hash')
$$;

-- The parts of one document that another has not.
CREATE FUNCTION audit_changed(doc jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public AS $$
    SELECT jsonb_object_agg(key, value) FROM jsonb_each(doc) WHERE other -> key IS DISTINCT FROM value
$$;

-- One entry. The functions are their owner's, so that no role of a process can write one by itself: the role that is
-- noted is the one that the session took.
CREATE FUNCTION audit_write(
    tenant bigint, action text, table_name text, object_type text, object_id text, rows bigint, before jsonb, after jsonb
) RETURNS void LANGUAGE sql SET search_path = pg_catalog, public AS $$
    INSERT INTO audit_log (tenant_id, process, token_id, actor, method, route, path,
                           action, table_name, object_type, object_id, rows, before, after)
    SELECT tenant, CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END,
           (who ->> 'token_id')::bigint, who ->> 'name', who ->> 'method', who ->> 'route', who ->> 'path',
           action, table_name, object_type, object_id, rows, before, after
    FROM audit_actor() AS who
$$;

-- One entry for each row; the arguments are the type of the object and the column with its id.
CREATE FUNCTION audit_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    gone jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    come jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    whole jsonb := COALESCE(come, gone);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF gone = come THEN
            RETURN NULL;
        END IF;
        SELECT audit_changed(gone, come), audit_changed(come, gone) INTO gone, come;
    END IF;
    PERFORM audit_write((whole ->> 'tenant_id')::bigint, lower(TG_OP), TG_TABLE_NAME, TG_ARGV[0], whole ->> TG_ARGV[1], 1,
                        audit_shown(gone), audit_shown(come));
    RETURN NULL;
END
$$;

-- For tables that a list is loaded into: an entry for each of a few rows, or one that counts many and shows some.
CREATE FUNCTION audit_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    docs jsonb;
    tenant bigint;
    total bigint;
    doc jsonb;
BEGIN
    SELECT count(*), min(tenant_id) INTO total, tenant FROM touched;  -- row-level security: they are one tenant's
    SELECT jsonb_agg(to_jsonb(few)) INTO docs FROM (SELECT * FROM touched LIMIT 20) AS few;
    IF total > 20 THEN
        SELECT jsonb_build_object('some', jsonb_agg(value ->> TG_ARGV[1])) INTO doc FROM jsonb_array_elements(docs);
        PERFORM audit_write(tenant, lower(TG_OP), TG_TABLE_NAME, TG_ARGV[0], NULL, total,
                            CASE TG_OP WHEN 'DELETE' THEN doc END, CASE TG_OP WHEN 'INSERT' THEN doc END);
        RETURN NULL;
    END IF;
    FOR doc IN SELECT jsonb_array_elements(docs) LOOP
        PERFORM audit_write(tenant, lower(TG_OP), TG_TABLE_NAME, TG_ARGV[0], doc ->> TG_ARGV[1], 1,
                            CASE TG_OP WHEN 'DELETE' THEN audit_shown(doc) END,
                            CASE TG_OP WHEN 'INSERT' THEN audit_shown(doc) END);
    END LOOP;
    RETURN NULL;
END
$$;

-- For tables of millions that the road itself writes to: that somebody's request changed some of them, and by its path
-- which. A transition table would count them, and cost every statement of every process.
CREATE FUNCTION audit_statement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    tenant bigint := NULLIF(current_setting('app.tenant', true), '')::bigint;
BEGIN
    IF tenant IS NOT NULL THEN
        PERFORM audit_write(tenant, lower(TG_OP), TG_TABLE_NAME, COALESCE(audit_actor() ->> 'object_type', TG_TABLE_NAME),
                            audit_actor() ->> 'object_id', NULL, NULL, NULL);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON tenant
    FOR EACH ROW EXECUTE FUNCTION audit_row('tenant', 'tenant_id');
CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE OF name, role, secret_hash, expires_at, revoked_at ON api_token
    FOR EACH ROW EXECUTE FUNCTION audit_row('token', 'token_id');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON schedule
    FOR EACH ROW EXECUTE FUNCTION audit_row('schedule', 'schedule_id');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON pacing_profile
    FOR EACH ROW EXECUTE FUNCTION audit_row('profile', 'profile_id');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON campaign
    FOR EACH ROW EXECUTE FUNCTION audit_row('campaign', 'campaign_id');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON campaign_window
    FOR EACH ROW EXECUTE FUNCTION audit_row('campaign', 'campaign_id');
-- An upload is written with no numbers and then with its counts; the second is what somebody did.
CREATE TRIGGER audited AFTER UPDATE OR DELETE ON batch
    FOR EACH ROW EXECUTE FUNCTION audit_row('campaign', 'campaign_id');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON hold
    FOR EACH ROW EXECUTE FUNCTION audit_row('hold', 'hold_id');
CREATE TRIGGER audited AFTER DELETE ON receiver_disabled
    FOR EACH ROW EXECUTE FUNCTION audit_row('receiver', 'url');
CREATE TRIGGER audited_insert AFTER INSERT ON blocklist REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_rows('blocklist', 'e164');
CREATE TRIGGER audited_delete AFTER DELETE ON blocklist REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_rows('blocklist', 'e164');
CREATE TRIGGER audited AFTER UPDATE ON number
    FOR EACH STATEMENT WHEN (current_user = 'paceline_api') EXECUTE FUNCTION audit_statement();
CREATE TRIGGER audited AFTER UPDATE ON delivery
    FOR EACH STATEMENT WHEN (current_user = 'paceline_api') EXECUTE FUNCTION audit_statement();

-- What was written stays: no role has the right to change it, and whoever has every right is told.
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is only ever added to.' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['audit_log', 'idempotency_key', 'numbers_taken']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %I USING (tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint)',
            table_name);
    END LOOP;
END
$$;
-- The triggers write as the owner, who is bound by row-level security as well; and for all tenants, since the pacer
-- ends campaigns of many in one transaction.
CREATE POLICY written_by_triggers ON audit_log FOR INSERT TO CURRENT_USER WITH CHECK (true);
GRANT SELECT ON audit_log TO paceline_api;
REVOKE ALL ON FUNCTION audit_write(bigint, text, text, text, text, bigint, jsonb, jsonb) FROM PUBLIC;
