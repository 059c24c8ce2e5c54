-- complete.sql for several records. Returns the positions, from 1, of those that were changed.
SELECT calls.ordinal
FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $5::smallint[], $6::interval[], $7::bytea[], $8::interval[],
            $9::bytea[])
        WITH ORDINALITY AS calls (id, owner, fence, state, retention, answer, quiet, dispute, ordinal)
WHERE {complete}(calls.id, calls.owner, calls.fence, $4, calls.state, calls.retention, calls.answer, calls.quiet,
                 calls.dispute)
