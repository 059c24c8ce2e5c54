-- T1, T2, T10-T12, T15: claims the key, or reads what stands there.
SELECT * FROM {claim}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
