-- Not `IF NOT EXISTS`, which asks for rights on the database even where there is nothing to do.
DO $body$ BEGIN
    IF to_regnamespace({schema_name}) IS NULL THEN
        CREATE SCHEMA {schema};
    END IF;
END $body$;

CREATE TABLE IF NOT EXISTS {versions} (
    version    integer     NOT NULL PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

