-- Deletes expired records. One process sweeps at a time. Records that a concurrent claim has locked are skipped.
--
-- A record that is still held is found again when it expires: sweep_at becomes that time. Otherwise every pass
-- would read all held records. A record that expires soon stays as it is, because the change costs more than a
-- few reads. `found` is the number of records that were deleted or moved.
--
-- $2 is `reached` of the batch before, in microseconds since the epoch. Without it, each batch would walk over the index
-- entries of all batches before, for as long as an old snapshot keeps them.
WITH sweeper AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended({lock}, 1)) AS is_active
), due AS MATERIALIZED (
    SELECT id, sweep_at, expires_at <= now() AS is_expired FROM {records} AS records, sweeper
    WHERE sweeper.is_active AND sweep_at <= now()
        AND sweep_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
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
SELECT (SELECT count(*) FROM removed) AS removed, count(*) AS found,
       (extract(epoch FROM max(sweep_at)) * 1000000)::bigint AS reached
FROM due
