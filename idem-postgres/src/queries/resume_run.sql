-- Ends the recovery of a running record as its owner, and renews its lease. A repeated call changes only times.
UPDATE {records} SET
    lease_until = clock_timestamp() + $4, expires_at = clock_timestamp() + $4 + $5,
    silent_since = NULL, lost_reason = NULL, lost_attempt = NULL
WHERE id = $1 AND owner = $2 AND fence = $3 AND state = 1 AND expires_at > clock_timestamp()
RETURNING true
