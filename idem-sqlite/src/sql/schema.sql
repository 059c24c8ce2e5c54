-- The version of the schema and the clock of the store, in one row.
CREATE TABLE idem_store (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    -- The latest time at which a record was changed, in microseconds since 1970. It never goes back.
    now     INTEGER NOT NULL,
    -- The process that made the last change.
    writer  BLOB    NOT NULL
) STRICT;

-- The records without their responses, so that a row is small. The head is the record in the format of
-- `idem_core::codec`, up to the status of its response. Times are in microseconds since 1970.
CREATE TABLE idem_records (
    id          BLOB    PRIMARY KEY,
    head        BLOB    NOT NULL,
    lease_until INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    -- The scope, if it has a quota.
    scope       BLOB,
    response    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX idem_records_expiry ON idem_records (expires_at);
CREATE INDEX idem_records_scope ON idem_records (scope, expires_at) WHERE scope IS NOT NULL;

-- The responses: the tail of a completed record in the format of `idem_core::codec`.
CREATE TABLE idem_responses (
    id   INTEGER PRIMARY KEY,
    tail BLOB    NOT NULL
) STRICT;

CREATE TRIGGER idem_response_replaced AFTER UPDATE OF response ON idem_records
WHEN OLD.response IS NOT NULL AND OLD.response IS NOT NEW.response
BEGIN
    DELETE FROM idem_responses WHERE id = OLD.response;
END;

CREATE TRIGGER idem_response_deleted AFTER DELETE ON idem_records
WHEN OLD.response IS NOT NULL
BEGIN
    DELETE FROM idem_responses WHERE id = OLD.response;
END;

-- The number of records of each scope with a quota, including expired ones.
CREATE TABLE idem_scopes (
    scope BLOB    PRIMARY KEY,
    keys  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER idem_scope_added AFTER INSERT ON idem_records
WHEN NEW.scope IS NOT NULL
BEGIN
    INSERT INTO idem_scopes (scope, keys) VALUES (NEW.scope, 1) ON CONFLICT (scope) DO UPDATE SET keys = keys + 1;
END;

CREATE TRIGGER idem_scope_removed AFTER DELETE ON idem_records
WHEN OLD.scope IS NOT NULL
BEGIN
    UPDATE idem_scopes SET keys = keys - 1 WHERE scope = OLD.scope;
    DELETE FROM idem_scopes WHERE scope = OLD.scope AND keys <= 0;
END;

CREATE TRIGGER idem_scope_changed AFTER UPDATE OF scope ON idem_records
WHEN OLD.scope IS NOT NEW.scope
BEGIN
    UPDATE idem_scopes SET keys = keys - 1 WHERE scope = OLD.scope;
    DELETE FROM idem_scopes WHERE scope = OLD.scope AND keys <= 0;
    INSERT INTO idem_scopes (scope, keys) SELECT NEW.scope, 1 WHERE NEW.scope IS NOT NULL
    ON CONFLICT (scope) DO UPDATE SET keys = keys + 1;
END;

-- What operators did, and late completions. The table only grows.
CREATE TABLE idem_audit (
    entry           INTEGER PRIMARY KEY AUTOINCREMENT,
    at              INTEGER NOT NULL,
    record          BLOB    NOT NULL,
    action          TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    token           INTEGER NOT NULL,
    state           TEXT    NOT NULL,
    response_digest BLOB,
    applied         INTEGER NOT NULL,
    -- The SHA-256 of the entry before this one.
    previous        BLOB    NOT NULL
) STRICT;

CREATE INDEX idem_audit_record ON idem_audit (record);
