-- Abandons a claim whose reply was lost. A first attempt frees the key. After a takeover the record stays
-- and its lease ends, because an earlier run has started.
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
FROM (SELECT * FROM freed UNION ALL SELECT * FROM ended) AS abandoned
