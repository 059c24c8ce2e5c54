-- What stands under the key, for a caller whose change found nothing to change.
SELECT owner = $2 AND fence = $3 AS mine, lease_until <= clock_timestamp() AS lapsed,
       format, state, rule, fingerprint, answer
FROM {records}
WHERE id = $1 AND expires_at > clock_timestamp()
