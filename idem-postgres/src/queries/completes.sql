-- complete.sql for many keys at once: the places of those that were held.
SELECT asked.place
FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $5::smallint[], $6::interval[], $7::bytea[])
        WITH ORDINALITY AS asked (id, owner, fence, state, ttl, answer, place)
WHERE {complete}(asked.id, asked.owner, asked.fence, $4, asked.state, asked.ttl, asked.answer)
