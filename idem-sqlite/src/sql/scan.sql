SELECT record.id, record.head, record.lease_until, record.expires_at, store.now
FROM idem_store AS store
CROSS JOIN idem_records AS record
WHERE record.id > ?1 AND record.id <= ?3
ORDER BY record.id
LIMIT ?2
