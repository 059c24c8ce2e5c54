//! The locks of the functions of a store.

use idem_testkit::servers::PostgresServer;

/// Lets the functions of a store wait longer for a lock than half a second. A busy server takes longer to commit the
/// transaction that holds it.
pub(crate) fn wait_longer(server: &PostgresServer, schema: &str) {
    server.sql(&format!(
        "DO $$
         DECLARE
             own regprocedure;
         BEGIN
             FOR own IN SELECT oid::regprocedure FROM pg_proc
                 WHERE pronamespace = '{schema}'::regnamespace AND proconfig::text LIKE '%lock_timeout%'
             LOOP
                 EXECUTE format('ALTER FUNCTION %s SET lock_timeout = ''60s''', own);
             END LOOP;
             IF NOT FOUND THEN
                 RAISE EXCEPTION 'no function has a limit for locks';
             END IF;
         END $$"
    ));
}
