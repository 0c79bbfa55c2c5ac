-- The road of one phone number: tenant, campaign, number, attempt, result, delivery.
--
-- Rules that every table keeps:
--   * The tenant comes first in every primary, unique and foreign key; numbers, attempts, results and deliveries
--     carry the campaign in every key, so that they can be partitioned by RANGE (campaign_id). Work indexes (what
--     is due, whose lease ran out) serve roles that see all tenants and are ordered by what they look for.
--   * Row-level security is forced on every tenant table. A role sees the tenant named by `app.tenant` in its
--     transaction, and nothing where it is not set.
--   * Every instant that decides something is written by clock_timestamp(), never by a client.

-- Roles -------------------------------------------------------------------------------------------------------
-- Groups without login: a process takes its role when it connects, so one login can serve them all on a laptop,
-- and each can have its own in production. None of them owns a table.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['paceline_admin', 'paceline_api', 'paceline_pacer', 'paceline_dialer', 'paceline_deliverer']
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- roles belong to the server: another database of it has made them
        END;
        EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
    END LOOP;
END
$$;

-- Words -------------------------------------------------------------------------------------------------------
CREATE TYPE campaign_state AS ENUM ('READY', 'RUNNING', 'STOPPED', 'DONE', 'DELETED');
CREATE TYPE number_state AS ENUM ('READY', 'IN_ATTEMPT', 'WAITING', 'FINAL');
CREATE TYPE attempt_state AS ENUM ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN', 'WITHHELD', 'DONE');
CREATE TYPE delivery_state AS ENUM ('QUEUED', 'SENDING', 'RETRY', 'DELIVERED', 'FAILED', 'PARKED');

-- Tenants -----------------------------------------------------------------------------------------------------
CREATE TABLE tenant (
    tenant_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    webhook_keys bytea[] NOT NULL,  -- sealed; newest first, the second only while a rotation lasts
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE api_token (
    tenant_id bigint NOT NULL REFERENCES tenant,
    token_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    role text NOT NULL DEFAULT 'admin' CHECK (role IN ('reader', 'operator', 'admin')),
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),  -- SHA-256 of 256 random bits: needs no salt
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, token_id)
);
CREATE INDEX api_token_by_hash ON api_token (secret_hash);

-- Plum's reusable rules; a campaign refers to them, so that a change reaches it while it runs ---------------------
CREATE TABLE schedule (
    tenant_id bigint NOT NULL REFERENCES tenant,
    schedule_id bigint GENERATED ALWAYS AS IDENTITY,
    nickname text CHECK (length(nickname) BETWEEN 1 AND 64),
    nickname_key text,  -- NFC, trimmed, case folded: what is unique
    days text[] NOT NULL CHECK (days <@ ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] AND cardinality(days) BETWEEN 1 AND 7),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, schedule_id),
    CONSTRAINT schedule_nickname_taken UNIQUE (tenant_id, nickname_key)
);

CREATE TABLE pacing_profile (
    tenant_id bigint NOT NULL REFERENCES tenant,
    profile_id bigint GENERATED ALWAYS AS IDENTITY,
    nickname text CHECK (length(nickname) BETWEEN 1 AND 64),
    nickname_key text,
    period_minutes bigint NOT NULL CHECK (period_minutes >= 1),
    amount_per_period bigint NOT NULL CHECK (amount_per_period >= 1),
    gap_minutes bigint NOT NULL CHECK (gap_minutes >= 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, profile_id),
    CONSTRAINT profile_nickname_taken UNIQUE (tenant_id, nickname_key)
);

-- Campaigns ---------------------------------------------------------------------------------------------------
-- Three rows a campaign, because three kinds of work lock them: `campaign` is what its owner changes and the gates
-- read, `campaign_queue` is locked while an upload is published, `campaign_pacing` while a pacer decides. A stop
-- waits for neither of the other two.
CREATE TABLE campaign (
    tenant_id bigint NOT NULL REFERENCES tenant,
    campaign_id bigint GENERATED ALWAYS AS IDENTITY,
    dialect text NOT NULL CHECK (dialect IN ('plum', 'voice', 'enswitch')),
    name text CHECK (length(name) <= 100),
    state campaign_state NOT NULL DEFAULT 'READY',
    epoch bigint NOT NULL DEFAULT 0,  -- raised by every change after which an older plan may not ring
    first_date date NOT NULL,
    last_date date NOT NULL,  -- inclusive
    time_zone text NOT NULL,
    schedule_id bigint,  -- Plum: the weekdays by reference
    days text[],  -- the weekdays by value, where there is no schedule
    start_url text NOT NULL,
    start_method text NOT NULL DEFAULT 'POST' CHECK (start_method IN ('POST', 'GET')),
    result_url text,
    result_format text NOT NULL DEFAULT 'form' CHECK (result_format IN ('form', 'json')),
    caller_id text,
    tries_allowed integer NOT NULL DEFAULT 1 CHECK (tries_allowed BETWEEN 1 AND 100),
    retry_seconds integer[] NOT NULL DEFAULT '{3600}',
    retry_seconds_by_outcome jsonb NOT NULL DEFAULT '{}',
    machine_policy text NOT NULL DEFAULT 'message' CHECK (machine_policy IN ('message', 'failed', 'retry', 'success', 'first', 'last')),
    success_means text NOT NULL DEFAULT 'answer' CHECK (success_means IN ('answer', 'key')),
    calls_at_once integer CHECK (calls_at_once >= 1),  -- NULL: as many as the pace and the trunks allow
    keep_agents_available integer NOT NULL DEFAULT 0,
    dedupe text NOT NULL DEFAULT 'number_and_reference' CHECK (dedupe IN ('number_and_reference', 'number', 'none')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,  -- the last start: a pace is anchored no earlier
    stopped_at timestamptz,
    hang_up boolean NOT NULL DEFAULT false,  -- the last stop also ends the calls under way
    preflight jsonb,  -- what its two URLs answered at the last start
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, campaign_id),
    FOREIGN KEY (tenant_id, schedule_id) REFERENCES schedule,
    CHECK (first_date <= last_date),
    CHECK (schedule_id IS NOT NULL OR days IS NOT NULL OR dialect <> 'plum')
);
CREATE INDEX campaign_by_schedule ON campaign (tenant_id, schedule_id);

CREATE TABLE campaign_window (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    window_no integer NOT NULL,
    opens_minute integer NOT NULL CHECK (opens_minute BETWEEN 0 AND 1439),
    closes_minute integer NOT NULL CHECK (closes_minute BETWEEN 1 AND 1440),
    days text[],  -- narrows the campaign's weekdays
    on_date date,  -- a window of one date, as the Voice API has them
    profile_id bigint,  -- Plum: the pace by reference
    period_minutes bigint,  -- the pace by value, where there is no profile
    amount_per_period bigint,
    gap_minutes bigint,
    PRIMARY KEY (tenant_id, campaign_id, window_no),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaign,
    FOREIGN KEY (tenant_id, profile_id) REFERENCES pacing_profile,
    CHECK (opens_minute < closes_minute)
);
CREATE INDEX campaign_window_by_profile ON campaign_window (tenant_id, profile_id);

CREATE TABLE campaign_queue (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    last_batch_no integer NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, campaign_id),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaign
);

CREATE TABLE campaign_pacing (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    look_at timestamptz,  -- when a pacer looks next; NULL: there is nothing to look for
    cycle_started_at timestamptz,  -- the newest cycle; the five are NULL before the first
    cycle_period_minutes bigint,  -- the pace in force: a changed profile waits for the next cycle or window
    cycle_amount bigint,
    cycle_gap_minutes bigint,
    cycle_next_slot bigint,
    emitted bigint NOT NULL DEFAULT 0,  -- the number of the last emission
    last_due_at timestamptz,
    ring_bounds text NOT NULL DEFAULT '[]',  -- the paces that still bound the emissions to come, as JSON
    idle_since timestamptz,  -- the last look, if nothing was waiting then: slots that go by from there on are spent
    claimed_batch_no integer NOT NULL DEFAULT 0,  -- a hint: the partial index on ready numbers is the truth
    claimed_line_no bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, campaign_id),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaign
) WITH (fillfactor = 50);  -- one hot update per tick: leave it room on its own page
CREATE INDEX campaign_pacing_due ON campaign_pacing (look_at) WHERE look_at IS NOT NULL;

-- Uploads -----------------------------------------------------------------------------------------------------
CREATE TABLE batch (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    batch_no integer NOT NULL,
    file_name text,
    accepted bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    canceled_at timestamptz,
    PRIMARY KEY (tenant_id, campaign_id, batch_no),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaign
);

CREATE TABLE refused_line (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    batch_no integer NOT NULL,
    line_no bigint NOT NULL,
    line text NOT NULL CHECK (length(line) <= 200),
    reason text NOT NULL,
    PRIMARY KEY (tenant_id, campaign_id, batch_no, line_no),
    FOREIGN KEY (tenant_id, campaign_id, batch_no) REFERENCES batch
);

-- Numbers -----------------------------------------------------------------------------------------------------
CREATE TABLE number (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    number_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 100),  -- Plum's call_id
    batch_no integer NOT NULL,
    line_no bigint NOT NULL,
    e164 text NOT NULL CHECK (e164 ~ '^\+[0-9]{7,15}$'),
    ani text CHECK (ani ~ '^\+[0-9]{7,15}$'),
    post_dial text,
    message_reference text CHECK (length(message_reference) <= 255),
    variables jsonb,
    time_zone text,  -- an override where the number's own zone is known better
    dedupe_key bytea,  -- NULL: duplicates are allowed
    state number_state NOT NULL DEFAULT 'READY',
    tries integer NOT NULL DEFAULT 0,  -- calls; the retry policy reads it
    last_ordinal integer NOT NULL DEFAULT 0,  -- attempts, withheld ones included
    next_at timestamptz,
    PRIMARY KEY (tenant_id, campaign_id, number_id),
    FOREIGN KEY (tenant_id, campaign_id, batch_no) REFERENCES batch,
    CHECK ((state = 'WAITING') = (next_at IS NOT NULL))
);
-- Partial, so that no look-up of a number can take it for the primary key: without statistics, as after the first upload
-- of all, the planner holds both for equally good, and would read all numbers of the campaign for each one.
CREATE UNIQUE INDEX number_once ON number (tenant_id, campaign_id, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX number_in_line ON number (tenant_id, campaign_id, batch_no, line_no) WHERE state = 'READY';
CREATE INDEX number_waiting ON number (tenant_id, campaign_id, next_at) WHERE state = 'WAITING';

-- Attempts ----------------------------------------------------------------------------------------------------
CREATE TABLE attempt (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    attempt_id bigint GENERATED ALWAYS AS IDENTITY,
    number_id bigint NOT NULL,
    ordinal integer NOT NULL,
    emission_no bigint NOT NULL,
    paced boolean NOT NULL,
    due_at timestamptz NOT NULL,
    send_by timestamptz NOT NULL,
    window_closes_at timestamptz NOT NULL,
    campaign_epoch bigint NOT NULL,
    state attempt_state NOT NULL DEFAULT 'PLANNED',
    epoch integer NOT NULL DEFAULT 0,  -- raised by every lease: a stale worker matches nothing
    lease_until timestamptz,
    worker text,
    fence text,  -- the SIP Call-ID
    trunk text,
    intent_at timestamptz,
    ringing_at timestamptz,
    answered_at timestamptz,
    quarantine_until timestamptz,
    ended_at timestamptz,
    sip_status integer,
    q850_cause integer,
    outcome smallint,
    stage smallint,
    callee_type text,
    withheld_because text,
    PRIMARY KEY (tenant_id, campaign_id, attempt_id),
    CONSTRAINT attempt_once UNIQUE (tenant_id, campaign_id, number_id, ordinal),
    CONSTRAINT emission_once UNIQUE (tenant_id, campaign_id, emission_no),
    FOREIGN KEY (tenant_id, campaign_id, number_id) REFERENCES number,
    CHECK ((state = 'WITHHELD') = (withheld_because IS NOT NULL)),
    CHECK ((state = 'DONE') = (outcome IS NOT NULL))
);
CREATE UNIQUE INDEX attempt_slot_once ON attempt (tenant_id, campaign_id, due_at) WHERE paced;
CREATE INDEX attempt_planned ON attempt (due_at) WHERE state = 'PLANNED';
CREATE INDEX attempt_held ON attempt (lease_until) WHERE state IN ('LEASED', 'DIALING', 'RINGING', 'IN_CALL');
CREATE INDEX attempt_quarantined ON attempt (quarantine_until) WHERE state = 'UNKNOWN';
CREATE INDEX attempt_live ON attempt (tenant_id, campaign_id)
    WHERE state IN ('PLANNED', 'LEASED', 'DIALING', 'RINGING', 'IN_CALL', 'UNKNOWN');

-- One live call per number and tenant, across campaigns; taken with the lease, dropped at the end.
CREATE TABLE live_call (
    tenant_id bigint NOT NULL,
    e164 text NOT NULL,
    campaign_id bigint NOT NULL,
    attempt_id bigint NOT NULL,
    PRIMARY KEY (tenant_id, e164)
);

-- The last call to a person, for the gap between two of them.
CREATE TABLE callee (
    tenant_id bigint NOT NULL,
    e164 text NOT NULL,
    last_call_ended_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, e164)
);

CREATE TABLE blocklist (
    tenant_id bigint NOT NULL REFERENCES tenant,
    e164 text NOT NULL,
    reason text,
    source text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, e164)
);

-- Reasons not to dial, read by the gates. Tenant 0 is the platform: its holds bind everybody.
CREATE TABLE hold (
    tenant_id bigint NOT NULL,
    hold_id bigint GENERATED ALWAYS AS IDENTITY,
    campaign_id bigint,  -- NULL: all campaigns of the tenant
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    hang_up boolean NOT NULL DEFAULT false,  -- ends the calls under way, too
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_at timestamptz,
    PRIMARY KEY (tenant_id, hold_id)
);
CREATE INDEX hold_standing ON hold (tenant_id) WHERE released_at IS NULL;

-- Results and deliveries --------------------------------------------------------------------------------------
CREATE TABLE result (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    number_id bigint NOT NULL,  -- the key: one result per number
    result_no bigint GENERATED ALWAYS AS IDENTITY,
    -- Results are read on in the order of (written_by, result_no), and only below the oldest open transaction. The number
    -- alone is no order to read by: a transaction that began later may have taken a lower one, and commit after both.
    written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
    outcome smallint NOT NULL,
    stage smallint NOT NULL,
    result text NOT NULL CHECK (result IN ('completed', 'failed', 'canceled', 'rejected')),
    callee_type text NOT NULL,
    attempts integer NOT NULL,
    last_attempt_at timestamptz,
    duration_seconds integer NOT NULL,
    exit_values jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, campaign_id, number_id),
    FOREIGN KEY (tenant_id, campaign_id, number_id) REFERENCES number
);
CREATE INDEX result_in_order ON result (tenant_id, written_by, result_no);
-- A call_id alone finds its result, and by that its delivery: results are only ever inserted, so this costs least here.
CREATE INDEX result_by_number ON result (tenant_id, number_id);

-- Totals of final numbers by outcome, in shards: one row would make every result of a campaign wait in line.
CREATE TABLE outcome_count (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    shard smallint NOT NULL,
    outcome smallint NOT NULL,
    result text NOT NULL,
    numbers bigint NOT NULL,
    PRIMARY KEY (tenant_id, campaign_id, shard, outcome, result)
) WITH (fillfactor = 50);

CREATE TABLE delivery (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    number_id bigint NOT NULL,  -- the key: one delivery per result
    webhook_id text NOT NULL,
    url text NOT NULL,
    origin text COLLATE "C" NOT NULL,  -- scheme, host and port: what may be slow or down
    content_type text NOT NULL,
    body bytea NOT NULL,  -- the very bytes of every try
    state delivery_state NOT NULL DEFAULT 'QUEUED',
    tries integer NOT NULL DEFAULT 0,  -- since it was queued: the retry schedule reads it
    tries_before integer NOT NULL DEFAULT 0,  -- those before its last replay: the log goes on counting
    again boolean NOT NULL GENERATED ALWAYS AS (tries + tries_before > 0) STORED,  -- it has had its first try
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    epoch integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_at timestamptz,
    PRIMARY KEY (tenant_id, campaign_id, number_id),
    FOREIGN KEY (tenant_id, campaign_id, number_id) REFERENCES result,
    CHECK ((state = 'SENDING') = (lease_until IS NOT NULL))
);
CREATE INDEX delivery_due ON delivery (again, origin, next_at) WHERE state IN ('QUEUED', 'RETRY');
CREATE INDEX delivery_sending ON delivery (origin, lease_until) WHERE state = 'SENDING';
CREATE INDEX delivery_open ON delivery (tenant_id, state, number_id) WHERE state <> 'DELIVERED';

CREATE TABLE delivery_try (
    tenant_id bigint NOT NULL,
    campaign_id bigint NOT NULL,
    number_id bigint NOT NULL,
    try_no integer NOT NULL,
    tried_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    status integer,
    error text,
    resolve_ms integer,  -- NULL: no name had to be looked up
    connect_ms integer,  -- NULL: there never was a connection
    total_ms integer,  -- NULL: the deliverer went silent, and nobody knows
    answer bytea CHECK (length(answer) <= 2048),
    PRIMARY KEY (tenant_id, campaign_id, number_id, try_no),
    FOREIGN KEY (tenant_id, campaign_id, number_id) REFERENCES delivery
);

-- Receivers that want no more results (410); their deliveries are parked until somebody enables them.
CREATE TABLE receiver_disabled (
    tenant_id bigint NOT NULL REFERENCES tenant,
    url_hash bigint NOT NULL GENERATED ALWAYS AS (hashtextextended(url, 0)) STORED,  -- a URL is too long for a key
    url text NOT NULL,
    reason text NOT NULL,
    disabled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, url_hash)
);

-- The circuit breakers of origins that have failed lately; an origin that has not has no row. Of all tenants at once:
-- what is down is down for everybody.
CREATE TABLE receiver_circuit (
    origin text COLLATE "C" PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('CLOSED', 'OPEN', 'PROBING')),
    window_began_at timestamptz NOT NULL,
    samples integer NOT NULL,
    failures integer NOT NULL CHECK (failures <= samples),
    times_opened integer NOT NULL,
    shut_until timestamptz,
    CHECK ((state = 'CLOSED') = (shut_until IS NULL))
);

-- Dialers tell what they can carry; a job waits here, not in Redis, until somebody has room for it.
CREATE TABLE dialer (
    worker text PRIMARY KEY,
    capacity integer NOT NULL CHECK (capacity >= 0),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The planner's statistics follow an upload within seconds. Without them every index whose key begins with tenant and
-- campaign looks alike, and a look-up of one row may read a million; autovacuum comes by once a minute at best. A table
-- may be analyzed by its owner alone, so the pacer does it through this function.
CREATE FUNCTION refresh_statistics(changed_rows bigint) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    stale text;
BEGIN
    FOR stale IN
        SELECT relname FROM pg_stat_user_tables
        WHERE schemaname = 'public' AND relname IN ('number', 'attempt', 'result', 'delivery', 'batch', 'refused_line')
          AND n_mod_since_analyze > GREATEST(changed_rows, n_live_tup / 5)
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) public.%I', stale);
        RETURN NEXT stale;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION refresh_statistics(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_statistics(bigint) TO paceline_pacer;

-- Who sees what -----------------------------------------------------------------------------------------------
DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY[
        'tenant', 'api_token', 'schedule', 'pacing_profile', 'campaign', 'campaign_window', 'campaign_queue',
        'campaign_pacing', 'batch', 'refused_line', 'number', 'attempt', 'live_call', 'callee', 'blocklist', 'hold',
        'result', 'outcome_count', 'delivery', 'delivery_try', 'receiver_disabled']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %I USING (tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint)',
            table_name);
    END LOOP;
    -- The pacer serves all tenants in one tick.
    FOREACH table_name IN ARRAY ARRAY[
        'schedule', 'pacing_profile', 'campaign', 'campaign_window', 'campaign_queue', 'campaign_pacing', 'batch', 'number',
        'attempt', 'live_call', 'callee', 'blocklist', 'hold', 'result', 'outcome_count', 'delivery']
    LOOP
        EXECUTE format('CREATE POLICY every_tenant ON %I TO paceline_pacer USING (true)', table_name);
        EXECUTE format('GRANT SELECT ON %I TO paceline_pacer', table_name);
    END LOOP;
    -- The deliverer claims by receiver, whoever the tenant is.
    FOREACH table_name IN ARRAY ARRAY['tenant', 'delivery', 'delivery_try', 'receiver_disabled']
    LOOP
        EXECUTE format('CREATE POLICY every_delivery ON %I TO paceline_deliverer USING (true)', table_name);
        EXECUTE format('GRANT SELECT ON %I TO paceline_deliverer', table_name);
    END LOOP;
    -- The command line makes tenants, tokens and holds.
    FOREACH table_name IN ARRAY ARRAY['tenant', 'api_token', 'hold']
    LOOP
        EXECUTE format('CREATE POLICY administered ON %I TO paceline_admin USING (true)', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO paceline_admin', table_name);
    END LOOP;
END
$$;
-- A token is looked up before anybody knows whose it is: by its hash, and only the row that has it.
CREATE POLICY presented ON api_token FOR SELECT TO paceline_api
    USING (secret_hash = decode(NULLIF(current_setting('app.token_hash', true), ''), 'hex'));
-- Everybody is bound by the platform's holds.
CREATE POLICY platform_hold ON hold FOR SELECT USING (tenant_id = 0);

GRANT SELECT ON api_token, tenant TO paceline_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON schedule, pacing_profile, campaign_window, blocklist TO paceline_api;
GRANT SELECT, INSERT, UPDATE ON campaign, campaign_queue, campaign_pacing, batch, number, hold TO paceline_api;
GRANT SELECT, INSERT ON refused_line TO paceline_api;
GRANT SELECT ON attempt, result, outcome_count, delivery, delivery_try, receiver_circuit TO paceline_api;
GRANT UPDATE (state, tries, tries_before, next_at) ON delivery TO paceline_api;
GRANT SELECT, DELETE ON receiver_disabled TO paceline_api;

GRANT UPDATE ON campaign, campaign_pacing, number, attempt TO paceline_pacer;
GRANT INSERT ON attempt, result, delivery TO paceline_pacer;
GRANT INSERT, UPDATE ON outcome_count, callee TO paceline_pacer;
GRANT DELETE ON live_call TO paceline_pacer;
GRANT SELECT, DELETE ON dialer TO paceline_pacer;

GRANT SELECT ON campaign, campaign_window, schedule, pacing_profile, hold, blocklist, number, attempt, live_call, callee, outcome_count TO paceline_dialer;
GRANT UPDATE ON number, attempt TO paceline_dialer;
GRANT INSERT, DELETE ON live_call TO paceline_dialer;
GRANT SELECT, UPDATE ON campaign_pacing TO paceline_dialer;
GRANT INSERT, UPDATE ON callee, outcome_count TO paceline_dialer;
GRANT SELECT, INSERT ON result, delivery TO paceline_dialer;
GRANT SELECT, INSERT, UPDATE, DELETE ON dialer TO paceline_dialer;

GRANT UPDATE ON delivery, receiver_disabled TO paceline_deliverer;
GRANT INSERT ON delivery_try, receiver_disabled TO paceline_deliverer;
GRANT SELECT, INSERT, UPDATE, DELETE ON receiver_circuit TO paceline_deliverer;
