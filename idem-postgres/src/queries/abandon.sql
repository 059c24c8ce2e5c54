-- T8: a caller that never learned whether it won gives back what it may have won. A first claim leaves
-- nothing; a takeover leaves a record whose lease is over, because an earlier run began.
WITH freed AS (
    DELETE FROM {records}
    WHERE id = $1 AND owner = $2 AND state = 1 AND attempt = 1 AND expires_at > clock_timestamp()
    RETURNING id, awaited
), ended AS (
    UPDATE {records} SET lease_until = clock_timestamp()
    WHERE id = $1 AND owner = $2 AND state = 1 AND attempt > 1 AND expires_at > clock_timestamp()
    RETURNING id, awaited
)
SELECT CASE WHEN awaited THEN pg_notify({channel}, encode(id, 'hex'))::text END
FROM (SELECT * FROM freed UNION ALL SELECT * FROM ended) AS given_back
