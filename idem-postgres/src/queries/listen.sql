-- Marks a running record, so that its end is notified. False if there is none and nobody holds the lock
-- of an open claim: the run has ended already.
WITH marked AS (
    UPDATE {records} SET awaited = true
    WHERE id = $1 AND state = 1 AND expires_at > clock_timestamp()
    RETURNING true
)
SELECT EXISTS (SELECT FROM marked) OR NOT pg_try_advisory_xact_lock_shared($2) AS runs
