DELETE FROM idem_records
WHERE id IN (SELECT id FROM idem_records WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
