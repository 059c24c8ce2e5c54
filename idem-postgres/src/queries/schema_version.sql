-- The version of the last applied migration. No row if none was applied.
SELECT version FROM {versions} ORDER BY version DESC LIMIT 1
