-- complete.sql for several runs.
SELECT ordinal FROM {complete_batch}($1, $2, $3, $4, $5, $6, $7, $8, $9)
