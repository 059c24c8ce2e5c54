DELETE FROM idem_records
WHERE id IN (SELECT id FROM idem_records WHERE scope = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)
