//! `explain`, and other input that cannot be used.

use std::fs;
use std::path::PathBuf;

use idem_core::UnknownReason;

use crate::command::idem;
use crate::service::{Service, on_every_store};

/// A file that is removed when dropped.
struct File(PathBuf);

impl File {
    fn new(service: &Service, name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("idem-cli-{}-{name}", service.name));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn request(body: &str) -> String {
    format!("POST /payments HTTP/1.1\nHost: x\nContent-Type: application/json\n\n{body}")
}

/// A client reuses its key for another amount, gets 422, and asks why.
#[test]
fn differing_members_are_named() {
    on_every_store(|service| {
        let id = service.sent(r#"{"amount": 100, "currency": "EUR", "note": "a"}"#);
        let secret = File::new(service, "secret", "geheim\n");
        let explain = |text: &str, more: &[&str]| {
            let file = File::new(service, "request", text);
            let arguments = ["explain", &id, "--request", file.path()];
            service.idem(&[&arguments[..], more].concat())
        };
        let secret = ["--secret-file", secret.path()];
        let output = explain(&request(r#"{"currency":"EUR","amount":101}"#), &secret);
        assert_eq!(output.code, 0, "{output:?}");
        let expected =
            "differs     body.amount\nmissing     1 of the members that the first request has\n";
        assert_eq!(output.stdout, expected);
        let same = request(r#"{"note":"a","currency":"EUR","amount":100}"#);
        assert_eq!(explain(&same, &secret).stdout, "no difference\n");
        let json = explain(
            &same.replace("/payments", "/refunds?x=1"),
            &[&secret[..], &["--json"]].concat(),
        );
        assert_eq!(json.json()[0]["differs"], serde_json::json!(["path", "query"]));
        // Digests of another secret agree in nothing.
        assert!(explain(&same, &[]).stdout.starts_with("differs     method, path"));
        for bad in ["", "{}", "POST /payments HTTP/1.1\nHost: x"] {
            let output = explain(bad, &secret);
            assert_eq!(output.code, 2, "{output:?}");
            assert!(output.stderr.contains("is not an HTTP/1.1 request"), "{output:?}");
        }
        let none = service.idem(&["explain", &id, "--request", "no-such-file"]);
        assert_eq!(none.code, 2, "{none:?}");
        assert!(none.stderr.contains("cannot read no-such-file"), "{none:?}");
    });
}

#[test]
fn record_without_an_outline_is_not_explained() {
    on_every_store(|service| {
        let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let file = File::new(service, "request", &request("{}"));
        let output = service.idem(&["explain", &id, "--request", file.path()]);
        assert_eq!(output.code, 5, "{output:?}");
        assert!(output.stderr.contains("request_outline(true)"), "{output:?}");
    });
}

/// A wrong namespace or secret finds nothing, and says what to check.
#[test]
fn key_of_another_namespace_or_secret_is_not_found() {
    on_every_store(|service| {
        service.paid("acme", "ord-1").unwrap();
        let find = ["find", "--key", "ord-1", "--scope", "acme", "--operation", "POST /payments"];
        assert_eq!(service.idem(&find).code, 0);
        let secret = File::new(service, "secret", "another");
        let same_store = ["--redis-namespace", &service.name, "--namespace", "another"];
        for other in [&["--secret-file", secret.path()][..], &same_store] {
            let output = service.idem(&[&find[..], other].concat());
            assert_eq!(output.code, 1, "{output:?}");
            assert!(
                output.stderr.contains("check --namespace, --scope and the secret"),
                "{output:?}"
            );
        }
        let missing = service.idem(&[&find[..], &["--secret-file", "no-such-file"]].concat());
        assert_eq!(missing.code, 2, "{missing:?}");
        assert!(missing.stderr.contains("cannot read no-such-file"), "{missing:?}");
    });
}

/// The record of a later version is neither read nor changed.
#[test]
fn record_of_a_later_version_is_not_changed() {
    on_every_store(|service| {
        let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let token = service.token(&id).to_string();
        service.outdate(&id);
        let release = ["resolve", &id, "release", "--reason", "x", "--fencing-token", &token];
        for command in [&["show", &id][..], &release] {
            let output = service.idem(command);
            assert_eq!(output.code, 4, "{output:?}");
            assert!(output.stderr.contains("the store failed"), "{output:?}");
        }
        assert!(service.idem(&["audit", "--json"]).json().is_empty());
    });
}

#[test]
fn rate_of_listings_is_positive() {
    for rate in ["0", "fast"] {
        let output = idem(&["--rate", rate, "list"]);
        assert_eq!(output.code, 2, "{output:?}");
    }
}
