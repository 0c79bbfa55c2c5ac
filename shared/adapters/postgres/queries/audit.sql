-- The audit log, in the role of the API; it is written by triggers alone.

-- name: audit_entries
-- A page of a tenant's changes, the newest first: all, those of one kind of object, or those of one object.
SELECT audit_id, at, process, token_id, actor, method, route, path, action, table_name, object_type, object_id, rows,
       before, after
FROM audit_log
WHERE tenant_id = $1 AND ($2::bigint IS NULL OR audit_id < $2)
  AND ($4::text IS NULL OR object_type = $4) AND ($5::text IS NULL OR object_id = $5)
ORDER BY audit_id DESC LIMIT $3;
