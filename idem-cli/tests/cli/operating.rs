//! `doctor`, `migrate`, and stores that cannot be used.

use idem_testkit::servers::{SqliteFile, run_sql};

use crate::command::idem;
use crate::service::{Kind, on_every_store, postgres};

#[test]
fn healthy_store_is_reported() {
    on_every_store(|service| {
        let output = service.idem(&["doctor"]);
        // A new Postgres cluster and the tests' Redis are set as the stores require.
        assert_eq!((output.code, &*output.stdout), (0, "the store is healthy\n"), "{output:?}");
        assert_eq!(service.idem(&["doctor", "--json"]).json()[0]["healthy"], true);
    });
}

#[test]
fn schema_is_migrated_or_printed() {
    on_every_store(|service| {
        let output = service.idem(&["migrate"]);
        let expected = match service.kind {
            Kind::Redis | Kind::Sqlite => "nothing to do: only Postgres has a schema to migrate\n",
            Kind::Postgres => "the schema is up to date\n",
        };
        assert_eq!((output.code, &*output.stdout), (0, expected), "{output:?}");
        let sql = service.idem(&["migrate", "--print"]);
        assert!(sql.stdout.contains("CREATE TABLE"), "{sql:?}");
    });
    let url = postgres();
    // Nothing but `migrate` changes a schema.
    let schema = format!("fresh_{:016x}", rand::random::<u64>());
    let on = ["--store", &url, "--schema", &schema];
    let list = idem(&[&on[..], &["list"]].concat());
    assert_eq!(list.code, 4, "{list:?}");
    assert_eq!(idem(&[&on[..], &["migrate"]].concat()).code, 0);
    assert_eq!(idem(&[&on[..], &["list"]].concat()).stdout, "no records\n");
}

#[test]
fn unusable_stores_are_named() {
    let cases = [
        ("redis://127.0.0.1:1", 4, "127.0.0.1:1"),
        ("postgres://postgres@127.0.0.1:1/postgres", 4, "127.0.0.1:1"),
        ("memory:", 2, "records in memory"),
        ("sqlite:no-such.db", 2, "there is no file no-such.db"),
        ("mysql://localhost", 2, "cannot use a store with `mysql`"),
        ("redis-sentinel://localhost", 2, "redis-sentinel://host1,host2/service"),
    ];
    for (url, code, text) in cases {
        let output = idem(&["--store", url, "list"]);
        assert_eq!(output.code, code, "{output:?}");
        assert!(output.stderr.contains(text), "{output:?}");
    }
    let output = idem(&["list"]);
    assert_eq!(output.code, 2, "{output:?}");
    assert!(output.stderr.contains("--store or the variable IDEM_STORE"), "{output:?}");
}

/// A mistyped path may be that of another application's database.
#[test]
fn database_of_another_application_is_left_as_it_is() {
    let file = SqliteFile::new();
    // An empty file is an empty database.
    std::fs::write(file.path(), "").unwrap();
    run_sql(&file.path(), "CREATE TABLE users (name TEXT)");
    let before = std::fs::read(file.path()).unwrap();
    let url = format!("sqlite:{}", file.path().display());
    for command in [&["doctor"][..], &["list"], &["find", "--key", "k", "--global"]] {
        let output = idem(&[&["--store", &url], command].concat());
        assert_eq!(output.code, 4, "{output:?}");
        assert!(output.stderr.contains("has no idempotency records"), "{output:?}");
    }
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
}

#[test]
fn passwords_are_never_printed() {
    for url in ["redis://:geheim@127.0.0.1:1", "postgres://app:geheim@127.0.0.1:1/db"] {
        let output = idem(&["--store", url, "list"]);
        assert!(!output.stderr.contains("geheim"), "{output:?}");
    }
}
