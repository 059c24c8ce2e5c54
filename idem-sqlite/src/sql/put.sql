INSERT INTO idem_records (id, head, lease_until, expires_at, scope) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE
SET head = excluded.head, lease_until = excluded.lease_until, expires_at = excluded.expires_at, scope = excluded.scope,
    response = NULL
