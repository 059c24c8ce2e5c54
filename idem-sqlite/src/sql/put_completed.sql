INSERT INTO idem_responses (tail) VALUES (?);
INSERT INTO idem_records (id, head, lease_until, expires_at, scope, response) VALUES (?, ?, ?, ?, ?, last_insert_rowid())
ON CONFLICT (id) DO UPDATE
SET head = excluded.head, lease_until = excluded.lease_until, expires_at = excluded.expires_at, scope = excluded.scope,
    response = excluded.response
