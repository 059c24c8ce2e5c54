-- Deletes a batch of expired records. One process sweeps at a time. Records that a concurrent claim has
-- locked are skipped.
WITH sweeper AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended({lock}, 1)) AS is_active
), expired AS MATERIALIZED (
    SELECT id FROM {records} AS records, sweeper
    WHERE sweeper.is_active AND sweep_at <= now() AND expires_at <= now()
    ORDER BY sweep_at
    LIMIT $1
    FOR UPDATE OF records SKIP LOCKED
), removed AS (
    DELETE FROM {records} WHERE id = ANY (ARRAY(SELECT id FROM expired)) AND expires_at <= now()
    RETURNING true
)
SELECT count(*) AS removed FROM removed
