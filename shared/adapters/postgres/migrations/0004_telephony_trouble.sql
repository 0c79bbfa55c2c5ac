-- A dialer that has no trunk to send a call through says so, and why, with what else it tells of itself: campaigns are
-- held in its words, and go on by themselves when it takes them back.

ALTER TABLE dialer ADD COLUMN unable_because text CHECK (length(unable_because) BETWEEN 1 AND 500);

-- Why no call can leave at all: every dialer that lives says that it has no way out; one that drains has no say. No row:
-- one has, or none lives. Six seconds of silence are three words that did not come.
CREATE VIEW telephony_trouble AS
SELECT min(unable_because) AS reason FROM dialer
WHERE seen_at > clock_timestamp() - interval '6 s' AND (capacity > 0 OR unable_because IS NOT NULL)
HAVING bool_and(unable_because IS NOT NULL);

GRANT SELECT ON telephony_trouble TO paceline_api, paceline_pacer;
