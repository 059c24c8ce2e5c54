-- Releases the key of a running record as its owner.
DELETE FROM {records}
WHERE id = $1 AND owner = $2 AND fence = $3 AND state = 1 AND expires_at > clock_timestamp()
RETURNING CASE WHEN awaited THEN pg_notify({channel}, encode(id, 'hex'))::text END
