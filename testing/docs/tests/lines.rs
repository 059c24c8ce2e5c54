//! The cost of idempotency in lines: a small service with one guarded handler, a store and a shutdown.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;

use idem_docs::documents::root;

#[test]
fn a_small_service_names_idem_in_at_most_12_lines() {
    for program in ["tutorial/main.rs", "readme_redis.rs", "readme_postgres.rs", "readme_sqlite.rs"]
    {
        let source = fs::read_to_string(root().join("testing/docs/src/bin").join(program)).unwrap();
        let is_named = |line: &&str| line.contains("idem") || line.contains("Idempotency");
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        let lines: Vec<_> = code.filter(is_named).collect();
        assert!(lines.len() <= 12, "{program}: {} lines {lines:#?}", lines.len());
        assert!(lines.iter().any(|line| line.contains("idem_axum::serve")), "{program}");
    }
}
