-- Results for those who come and get them, in the role of the API.

-- name: results_after
-- The results behind a place. A transaction that is still open may yet commit a lower one, so only what was written
-- before the oldest of them began is shown; its number was taken before that, too.
SELECT r.result_no, r.campaign_id, r.number_id, n.e164, n.message_reference, r.outcome, r.stage, r.result, r.callee_type,
       r.attempts, r.last_attempt_at, r.duration_seconds, r.exit_values
FROM result r JOIN number n USING (tenant_id, campaign_id, number_id)
WHERE r.tenant_id = $1 AND r.result_no > $2 AND r.written_by < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY r.result_no LIMIT $3;
