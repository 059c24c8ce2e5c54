-- Writes an entry of the audit log about something that changed no record.
SELECT {append_audit}($1, $2, $3, $4, $5, $6, $7, true)
