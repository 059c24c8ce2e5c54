SELECT entry, at, record, action, actor, reason, token, state, response_digest, applied, previous
FROM idem_audit
WHERE entry > ?1 AND (?2 IS NULL OR record = ?2) AND (?3 IS NULL OR at >= ?3)
ORDER BY entry
LIMIT ?4
