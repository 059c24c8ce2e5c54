-- The commands that grant the privileges which the role lacks on the objects that exist. The catalogs can be read
-- without a privilege on the schema.
WITH names AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = {schema_text}
), needed (relation, privilege) AS (
    VALUES ({records_text}, 'SELECT'), ({records_text}, 'INSERT'), ({records_text}, 'UPDATE'),
           ({records_text}, 'DELETE'), ({scopes_text}, 'SELECT'), ({versions_text}, 'SELECT'),
           ({audit_text}, 'SELECT'), ({audit_text}, 'INSERT')
)
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', nspname, current_user) AS command
FROM names WHERE NOT has_schema_privilege(oid, 'USAGE')
UNION ALL
SELECT format('GRANT %s ON %I.%I TO %I', privilege, nspname, relname, current_user)
FROM needed JOIN pg_class ON relname = relation JOIN names ON names.oid = relnamespace
WHERE NOT has_table_privilege(pg_class.oid, privilege)
UNION ALL
SELECT format('GRANT EXECUTE ON FUNCTION %I.%I TO %I', nspname, proname, current_user)
FROM pg_proc JOIN names ON names.oid = pronamespace
WHERE proname IN (
        {claim_text}, {claim_batch_text}, {complete_text}, {complete_batch_text}, {resolve_text}, {append_audit_text}
    )
    AND NOT has_function_privilege(pg_proc.oid, 'EXECUTE')
