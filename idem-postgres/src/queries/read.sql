-- Reads the record of a completion that changed nothing.
SELECT owner = $2 AND fence = $3 AS is_owner, lease_until <= clock_timestamp() AS lapsed,
       format, state, rule, fingerprint, answer
FROM {records}
WHERE id = $1 AND expires_at > clock_timestamp()
