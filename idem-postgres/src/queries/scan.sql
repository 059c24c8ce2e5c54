-- Selects the ids of unexpired records among the next $2 records after $1 and up to $5, in the order of the ids. `scanned` is
-- the number of records that were read, and `last` the last of them. A statement reads a limited number of
-- records, so that it ends in time even if none is selected.
WITH scan AS MATERIALIZED (
    SELECT id,
           expires_at > clock_timestamp()
               AND (NOT $3 OR state = 4 OR state = 1 AND lease_until <= clock_timestamp())
               AND ($4::text IS NULL OR operation = $4 AND format > 1) AS selected
    FROM {records}
    WHERE id > $1 AND id <= $5
    ORDER BY id
    LIMIT $2
)
SELECT count(*) AS scanned, (array_agg(id ORDER BY id DESC))[1] AS last,
       coalesce(array_agg(id ORDER BY id) FILTER (WHERE selected), ARRAY[]::bytea[]) AS ids
FROM scan
