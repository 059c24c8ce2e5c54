-- T4, T6, T9: the owner says how it ended; a late owner may still resolve an unknown outcome.
SELECT {complete}($1, $2, $3, $4, $5, $6, $7) AS held
