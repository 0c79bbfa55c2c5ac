-- A stop that also ends the calls under way says which: those that were planned before it. A flag would be forgotten
-- by the next start, and would end the calls that came after it. Changed in place: what was stopped so stays so, and no
-- row is hidden from a change of type by row-level security.

ALTER TABLE campaign
    ALTER COLUMN hang_up DROP DEFAULT,
    ALTER COLUMN hang_up TYPE bigint USING CASE WHEN hang_up AND state <> 'RUNNING' THEN epoch ELSE 0 END,
    ALTER COLUMN hang_up SET DEFAULT 0;
ALTER TABLE campaign RENAME COLUMN hang_up TO hang_up_below_epoch;
COMMENT ON COLUMN campaign.hang_up_below_epoch IS 'calls that were planned under an epoch below this one are hung up';
