-- Whether the transaction that claimed a key has ended. It holds the lock until then.
SELECT pg_try_advisory_xact_lock_shared($1) AS ended
