-- Deletes expired records. One process sweeps at a time. Records that a concurrent claim has locked are skipped.
--
-- A record that is still held is found again when it expires: sweep_at becomes that time. Otherwise every pass
-- would read all held records. A record that expires soon stays as it is, because the change costs more than a
-- few reads. `found` is the number of records that were deleted or moved.
WITH sweeper AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended({lock}, 1)) AS is_active
), due AS MATERIALIZED (
    SELECT id, expires_at <= now() AS is_expired FROM {records} AS records, sweeper
    WHERE sweeper.is_active AND sweep_at <= now()
        AND (expires_at <= now() OR expires_at > now() + interval '10 minutes')
    ORDER BY sweep_at
    LIMIT $1
    FOR UPDATE OF records SKIP LOCKED
), removed AS (
    DELETE FROM {records}
    WHERE id = ANY (ARRAY(SELECT id FROM due WHERE is_expired)) AND expires_at <= now()
    RETURNING true
), moved AS (
    UPDATE {records} SET sweep_at = expires_at
    WHERE id = ANY (ARRAY(SELECT id FROM due WHERE NOT is_expired)) AND expires_at > now()
    RETURNING true
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM due) AS found
