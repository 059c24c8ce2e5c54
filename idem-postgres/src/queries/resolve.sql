-- Resolves or evicts a record as an operator, and writes to the audit log.
SELECT {resolve}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS applied
