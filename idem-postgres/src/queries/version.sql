-- The highest migration that was applied; no row if none was.
SELECT version FROM {versions} ORDER BY version DESC LIMIT 1
