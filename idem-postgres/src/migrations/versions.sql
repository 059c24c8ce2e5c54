-- `CREATE SCHEMA IF NOT EXISTS` would need a privilege on the database even if the schema exists.
DO {body} BEGIN
    IF to_regnamespace({schema_name}) IS NULL THEN
        CREATE SCHEMA {schema};
    END IF;
END {body};

CREATE TABLE IF NOT EXISTS {versions} (
    version    integer     NOT NULL PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

