-- The settings that can lose acknowledged writes.
SELECT pg_is_in_recovery() AS standby, current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('fsync') AS fsync
