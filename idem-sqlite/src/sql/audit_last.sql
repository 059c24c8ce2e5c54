SELECT entry, at, record, action, actor, reason, token, state, response_digest, applied, previous
FROM idem_audit
ORDER BY entry DESC
LIMIT 1
