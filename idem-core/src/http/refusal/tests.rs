#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write;

use super::*;
use crate::model::{Capacity, IdempotencyKey, Refusal, Rejection};
use crate::{Idempotency, MemoryStore};

/// One rejection for each slug, and each of its variants that clients can distinguish.
fn rejections() -> Vec<Rejection> {
    let soon = Some(Duration::from_millis(1_500));
    vec![
        Rejection::KeyMissing,
        Rejection::KeyInvalid(IdempotencyKey::new("").unwrap_err()),
        Rejection::KeyReused,
        Rejection::InProgress,
        Rejection::OutcomeUnknown { retry_after: soon },
        Rejection::OutcomeUnknown { retry_after: None },
        Rejection::ResultUnavailable { status: 201 },
        Rejection::StoreUnavailable(None),
        Rejection::TooManyKeys(Capacity::Scope),
        Rejection::TooManyKeys(Capacity::Store),
        Rejection::TooManyRuns,
        Rejection::BodyTooLarge,
        Rejection::Unguarded,
    ]
}

/// Every built-in format, with the published schema of its error bodies.
fn formats() -> [(&'static str, Idempotency, &'static str); 4] {
    [
        ("problem", service(ProblemFormat), include_str!("schemas/problem.json")),
        ("acp", service(AcpFormat), include_str!("schemas/acp.json")),
        ("iceberg", service(IcebergFormat), include_str!("schemas/iceberg.json")),
        ("stripe", service(StripeFormat), include_str!("schemas/stripe.json")),
    ]
}

fn service(format: impl RefusalFormat) -> Idempotency {
    Idempotency::builder(MemoryStore::new()).refusal_format(format).build()
}

fn rendered(idempotency: &Idempotency, rejection: Rejection) -> StoredResponse {
    idempotency.render(&idempotency.details(&Refusal::from(rejection)))
}

fn print(response: &StoredResponse) -> String {
    let mut text = response.status.to_string();
    for (name, value) in response.headers.iter() {
        let (name, value) =
            (String::from_utf8_lossy(name), String::from_utf8_lossy(&value).into_owned());
        write!(text, "\n{name}: {value}").unwrap();
    }
    write!(text, "\n{}\n", String::from_utf8_lossy(&response.body)).unwrap();
    text
}

#[test]
fn a_problem_base_has_only_characters_of_a_uri() {
    let set = |base: &'static str| {
        catch_unwind(|| {
            drop(Idempotency::builder(MemoryStore::new()).problem_base(base));
        })
    };
    assert!(set("https://api.example.com/problems/").is_ok());
    for base in ["https://a b/", "https://<a/", "https://a>/", "https://\"a/", "https://é/"] {
        assert!(set(base).is_err(), "{base}");
    }
}

/// Clients depend on every byte. `UPDATE_GOLDEN=1` writes the file.
#[test]
fn every_refusal_in_every_format_is_frozen() {
    let mut text = String::new();
    for (name, service, _) in formats() {
        for rejection in rejections() {
            let slug = rejection.slug();
            write!(text, "# {name} {slug}\n{}\n", print(&rendered(&service, rejection))).unwrap();
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/refusal/golden.txt");
        std::fs::write(file, &text).unwrap();
    }
    assert_eq!(text, include_str!("golden.txt"));
}

#[test]
fn every_refusal_in_every_format_has_its_published_schema() {
    for (name, service, schema) in formats() {
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for rejection in rejections() {
            let slug = rejection.slug();
            let body = serde_json::from_slice(&rendered(&service, rejection).body).unwrap();
            let violations: Vec<_> = schema.iter_errors(&body).collect();
            assert!(violations.is_empty(), "{name} {slug}: {body} {violations:?}");
        }
    }
}

/// The headers that idem sets do not depend on the format, and the status is in its bounds.
#[test]
fn every_format_has_the_headers_of_refusals() {
    let own = |refusal: &RefusalDetails| -> serde_json::Result<StoredResponse> {
        let fields = [
            ("Retry-After", b"100".as_slice()),
            ("idempotency-refused", b"other"),
            ("cache-control", b"public"),
            ("set-cookie", b"a=1"),
            ("x-own", refusal.operation.as_bytes()),
        ];
        Ok(StoredResponse {
            status: 418,
            headers: fields.into_iter().collect(),
            body: refusal.slug.into(),
        })
    };
    let response = rendered(&service(own), Rejection::InProgress);
    let text = "418\nx-own: \ncache-control: no-store\nidempotency-refused: in-progress\nretry-after: 1\nin-progress\n";
    assert_eq!(print(&response), text);
    let response = rendered(&service(own), Rejection::KeyReused);
    assert_eq!(response.headers.get("retry-after"), None);
}

#[test]
fn a_status_that_is_no_error_is_replaced_by_the_problem_document() {
    let expected = print(&rendered(&service(ProblemFormat), Rejection::InProgress));
    let status = |status| move |_: &RefusalDetails| StoredResponse::json(status, "a text");
    for accepted in [400, 418, 599] {
        let response = rendered(&service(status(accepted)), Rejection::InProgress);
        assert_eq!((response.status, &*response.body), (accepted, b"\"a text\"".as_slice()));
    }
    for refused in [0, 100, 200, 302, 399, 600] {
        assert_eq!(print(&rendered(&service(status(refused)), Rejection::InProgress)), expected);
    }
}

#[test]
fn a_format_that_fails_is_replaced_by_the_problem_document() {
    let expected = print(&rendered(&service(ProblemFormat), Rejection::InProgress));
    type Rendered = serde_json::Result<StoredResponse>;
    let empty = |_: &RefusalDetails| -> Rendered { Ok(StoredResponse::text(409, "")) };
    let failing = |_: &RefusalDetails| -> Rendered {
        StoredResponse::json(409, &std::collections::HashMap::from([((), 1)]))
    };
    let panicking = |_: &RefusalDetails| -> Rendered { panic!("as instructed") };
    for service in [service(empty), service(failing), service(panicking)] {
        assert_eq!(print(&rendered(&service, Rejection::InProgress)), expected);
    }
}
