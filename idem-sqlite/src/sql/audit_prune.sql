-- Deletes the entries before the first one that was written at ?1 or later.
DELETE FROM idem_audit
WHERE entry < coalesce((SELECT min(entry) FROM idem_audit WHERE at >= ?1), 9223372036854775807)
