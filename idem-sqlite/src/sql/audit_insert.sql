INSERT INTO idem_audit (at, record, action, actor, reason, token, state, response_digest, applied, previous)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
