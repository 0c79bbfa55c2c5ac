-- A mistake can be undone, and a complaint answered: an upload is taken back, and a person's number is found in whatever
-- campaigns it stood.

-- From where to where the numbers of an upload lie in the primary key, others among them: what asks for one upload reads
-- no more than this. NULL: published before this was kept, and it may lie anywhere in its campaign.
ALTER TABLE batch
    ADD COLUMN first_number_id bigint,
    ADD COLUMN last_number_id bigint;

-- Its owner took it back. A number that was in a call then ends as the call does; where that would have it called
-- again, it ends canceled instead.
ALTER TABLE number ADD COLUMN canceled_at timestamptz;
CREATE INDEX number_taken_back ON number (tenant_id, campaign_id, number_id)
    WHERE canceled_at IS NOT NULL AND state <> 'FINAL';

-- Every line that one person's number ever stood on, the newest last.
CREATE INDEX number_by_e164 ON number (tenant_id, e164, number_id);

-- The API ends numbers as the reaper does: result, delivery and total in one statement. What was planned for them it
-- withholds, as long as nobody has said that it is dialing.
GRANT INSERT ON result, delivery TO paceline_api;
GRANT INSERT, UPDATE ON outcome_count TO paceline_api;
GRANT UPDATE (state, withheld_because, ended_at, lease_until) ON attempt TO paceline_api;
GRANT SELECT, DELETE ON live_call TO paceline_api;
GRANT SELECT ON callee TO paceline_api;

-- That a number's upload exists is looked up once a statement. A foreign key does it once a number, which was a fifth of
-- all that a list of a million costs. Uploads are never deleted: no role may.
ALTER TABLE number DROP CONSTRAINT number_tenant_id_campaign_id_batch_no_fkey;
CREATE FUNCTION number_has_upload() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT tenant_id, campaign_id, batch_no FROM come) AS c
               WHERE NOT EXISTS (SELECT 1 FROM batch b WHERE b.tenant_id = c.tenant_id AND b.campaign_id = c.campaign_id
                                                         AND b.batch_no = c.batch_no)) THEN
        RAISE EXCEPTION 'A number belongs to an upload that does not exist.' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER has_upload AFTER INSERT ON number REFERENCING NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION number_has_upload();
