-- The microseconds since the oldest record expired that has not been deleted.
SELECT (extract(epoch FROM now() - min(expires_at)) * 1000000)::bigint AS lag
FROM (
    SELECT expires_at FROM {records} WHERE sweep_at <= now() AND expires_at <= now()
    ORDER BY sweep_at LIMIT 1
) AS oldest
