-- Reads the records of ?2 ids, which ?1 contains one after the other.
WITH RECURSIVE wanted (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM wanted WHERE n + 1 < ?2)
SELECT store.now, store.writer, record.head, record.lease_until, record.expires_at, record.scope, response.tail
FROM idem_store AS store
CROSS JOIN wanted
LEFT JOIN idem_records AS record ON record.id = substr(?1, 32 * wanted.n + 1, 32)
LEFT JOIN idem_responses AS response ON response.id = record.response
