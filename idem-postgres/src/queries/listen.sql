-- Marks a running record, so that its end is notified. Returns false if the run has ended: there is no
-- running record, and no open transaction holds the lock of the key.
WITH marked AS (
    UPDATE {records} SET awaited = true
    WHERE id = $1 AND state = 1 AND expires_at > clock_timestamp()
    RETURNING true
)
SELECT EXISTS (SELECT FROM marked) OR NOT pg_try_advisory_xact_lock_shared($2) AS is_running
