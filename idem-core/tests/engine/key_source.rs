//! The headers from which a key is read, see docs/semantics.md#key-source.

use idem_core::{Idempotency, KeyError, MemoryStore, Policy, Rejection};

use crate::support::AT_MOST_ONCE;

static REQUIRED: Policy = AT_MOST_ONCE;
static OPTIONAL: Policy = AT_MOST_ONCE.with_optional_key();

fn service() -> Idempotency {
    Idempotency::builder(MemoryStore::new()).header("X-Key").header_aliases(["Old-Key"]).build()
}

/// Returns whether a request with these headers is guarded.
fn read(policy: &'static Policy, headers: &[(&str, &'static str)]) -> Result<bool, Rejection> {
    let lines = |name: &str| {
        let lines = headers.iter().filter(|(header, _)| *header == name);
        lines.map(|(_, line)| line.as_bytes()).collect::<Vec<_>>().into_iter()
    };
    let builder = service().call_for(policy, "POST", lines, || "POST /payments".to_owned());
    builder.map(|builder| builder.is_some())
}

#[test]
fn a_request_without_a_key_is_refused_unless_the_key_is_optional() {
    assert!(matches!(read(&REQUIRED, &[]), Err(Rejection::KeyMissing)));
    assert!(matches!(read(&OPTIONAL, &[]), Ok(false)));
    for policy in [&REQUIRED, &OPTIONAL] {
        assert!(matches!(read(policy, &[("x-key", "a")]), Ok(true)));
        assert!(matches!(read(policy, &[("old-key", "a")]), Ok(true)));
    }
}

#[test]
fn keys_of_several_headers_must_be_equal() {
    assert!(matches!(read(&REQUIRED, &[("x-key", "a"), ("old-key", "\"a\"")]), Ok(true)));
    let different = read(&REQUIRED, &[("x-key", "a"), ("old-key", "b")]);
    assert!(matches!(different, Err(Rejection::KeyInvalid(KeyError::Contradictory))));
}

#[test]
fn a_service_reports_its_header() {
    let service = service();
    assert_eq!(service.header(), "x-key");
    assert_eq!(service.headers().collect::<Vec<_>>(), ["x-key", "old-key"]);
    for echo in [false, true] {
        let service = Idempotency::builder(MemoryStore::new()).echo_key(echo).build();
        assert_eq!(service.echoes_key(), echo);
    }
}
