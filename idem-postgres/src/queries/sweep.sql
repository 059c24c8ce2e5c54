-- T15: removes records that expired, one process at a time and a batch at a time. What somebody is
-- claiming anew in this moment is locked, and skipped.
WITH turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtextextended({lock}, 1)) AS mine
), expired AS MATERIALIZED (
    SELECT id FROM {records} AS records, turn
    WHERE turn.mine AND sweep_at <= now() AND expires_at <= now()
    ORDER BY sweep_at
    LIMIT $1
    FOR UPDATE OF records SKIP LOCKED
), removed AS (
    DELETE FROM {records} WHERE id = ANY (ARRAY(SELECT id FROM expired)) AND expires_at <= now()
    RETURNING true
)
SELECT count(*) AS removed FROM removed
