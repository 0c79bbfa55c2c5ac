-- Results for those who come and get them, in the role of the API.

-- name: results_after
-- The results behind a place, which is the transaction that wrote a result and the result's number. Only what was written
-- by transactions older than any that is open is shown: whatever commits later has a later place.
SELECT r.written_by::text AS written_by, r.result_no, r.campaign_id, r.number_id, n.e164, n.message_reference,
       r.outcome, r.stage, r.result, r.callee_type, r.attempts, r.last_attempt_at, r.duration_seconds, r.exit_values
FROM result r JOIN number n USING (tenant_id, campaign_id, number_id)
WHERE r.tenant_id = $1 AND (r.written_by, r.result_no) > ($2::text::xid8, $3::bigint)
  AND r.written_by < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY r.written_by, r.result_no LIMIT $4;
