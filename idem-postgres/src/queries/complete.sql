-- Completes a run as its owner. An unknown outcome can still be replaced by a late completion.
SELECT {complete}($1, $2, $3, $4, $5, $6, $7, $8, $9) AS held
