-- T3: the owner holds on, also after its lease, if nobody moved the record.
UPDATE {records} SET
    lease_until = clock_timestamp() + $4,
    expires_at = clock_timestamp() + $4 + $5
WHERE id = $1 AND owner = $2 AND fence = $3 AND state = 1 AND expires_at > clock_timestamp()
RETURNING true
