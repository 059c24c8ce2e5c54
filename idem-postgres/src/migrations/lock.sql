-- Lets one process migrate at a time. The lock is held until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended({lock}, 0));
