-- Renews a lease as the owner. A lapsed lease can be renewed if no other request took the record over.
UPDATE {records} SET
    lease_until = clock_timestamp() + $4,
    expires_at = clock_timestamp() + $4 + $5
WHERE id = $1 AND owner = $2 AND fence = $3 AND state = 1 AND expires_at > clock_timestamp()
RETURNING true
