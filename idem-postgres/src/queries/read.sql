-- Reads the record of a completion that changed nothing.
SELECT owner = $2 AND fence = $3 AS is_owner,
       greatest(0, least(9e18, (extract(epoch FROM lease_until) - extract(epoch FROM clock_timestamp()))
           * 1000000))::bigint AS lease_left,
       format, state, guarantee, rule, fingerprint, answer
FROM {records}
WHERE id = $1 AND expires_at > clock_timestamp()
