-- Reads the audit log after the entry $1, oldest entries first.
SELECT entry, (extract(epoch FROM at) * 1000000)::bigint AS at, record, action, actor, reason, fence, state,
       response_digest, applied, previous
FROM {audit}
WHERE entry > $1 AND ($2::bytea IS NULL OR record = $2)
    AND ($3::bigint IS NULL OR at >= timestamptz 'epoch' + $3 * interval '1 microsecond')
ORDER BY entry
LIMIT $4
