-- The migration waits for open transactions that use the table, and claims wait for the migration. It fails
-- rather than let them wait long.
SET LOCAL lock_timeout = '2s';

-- No column rewrites the table. In rows of format 1 they have no meaning, because the previous version of the
-- store neither sets nor clears them.
--
-- None of them has an index, and neither have state and lease_until: every completion would have to change it.
--
-- The column guarantee has a further value: 3 at most once, by a handler with `recover`.
ALTER TABLE {records}
    ADD COLUMN operation      text,     -- the name of the operation, for operators
    ADD COLUMN label          bytea,    -- the label of the record, for operators: UTF-8 in every database
    ADD COLUMN extras         bytea     NOT NULL DEFAULT '', -- the optional fields that have no column
    -- Since when the run has been silent, in microseconds since 1970. A running record that has it is in recovery.
    ADD COLUMN silent_since   bigint,
    ADD COLUMN lost_reason    smallint, -- the reason for which the silence began; the codes of unknown_reason
    ADD COLUMN lost_attempt   integer,  -- the attempt that has been silent
    -- Of an unknown record: 1 crashed, 2 timed out, 3 ambiguous, 4 recovery inconclusive, 5 drained, 6 disputed.
    ADD COLUMN unknown_reason smallint,
    ADD COLUMN dispute        bytea;    -- the contradiction that a recovery found: UTF-8 in every database

-- The index of version 2 that begins with the scope serves its searches too.
DROP INDEX IF EXISTS {schema}.{scope_index};

-- The changes that operators made, those that were rejected, views of responses, and late completions. Rows are only added.
CREATE TABLE {audit} (
    entry           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    record          bytea       NOT NULL,
    action          text        NOT NULL,
    actor           text        NOT NULL,
    reason          text        NOT NULL,
    fence           bigint      NOT NULL, -- before the change
    state           text        NOT NULL, -- before the change
    response_digest bytea,                -- the SHA-256 of the body of a response that was stored
    applied         boolean     NOT NULL, -- whether the change was made
    previous        bytea       NOT NULL  -- the SHA-256 of the entry before this one
);

CREATE INDEX {audit_index} ON {audit} (record, entry);

