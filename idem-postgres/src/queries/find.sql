-- Finds the record of a key without claiming it. `claimed` is whether another open transaction has claimed a key
-- that has no record.
SELECT greatest(0, least(9e18, (extract(epoch FROM records.lease_until) - extract(epoch FROM clock_timestamp()))
           * 1000000))::bigint AS lease_left,
       records.format, records.state, records.guarantee, records.rule, records.fingerprint, records.answer,
       CASE WHEN records.id IS NULL THEN NOT pg_try_advisory_xact_lock_shared($2) ELSE false END AS claimed
FROM (SELECT) AS one LEFT JOIN {records} AS records ON id = $1 AND expires_at > clock_timestamp()
