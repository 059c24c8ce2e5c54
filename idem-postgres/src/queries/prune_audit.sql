-- Deletes the entries of the audit log before the first one that was written at $1 microseconds since 1970 or later.
WITH pruned AS (
    DELETE FROM {audit}
    WHERE entry < coalesce(
        (SELECT min(entry) FROM {audit} WHERE at >= timestamptz 'epoch' + $1 * interval '1 microsecond'),
        9223372036854775807
    )
    RETURNING entry
)
SELECT count(*) AS pruned FROM pruned
