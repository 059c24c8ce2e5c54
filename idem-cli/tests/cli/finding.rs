//! `find`, `show`, `list` and `stats`.

use idem_core::UnknownReason;
use idem_core::store::StoredResponse;
use serde_json::json;

use crate::service::{LEASE, on_every_store};

/// Support knows the tenant and the order number, and nothing else.
#[test]
fn payment_is_found_by_key_and_scope() {
    on_every_store(|service| {
        service.paid("acme", "ord-1").unwrap();
        service.paid("globex", "ord-1").unwrap();
        let by_key = ["find", "--key", "ord-1", "--scope", "acme", "--json"];
        let output = service.idem(&by_key);
        assert_eq!(output.code, 0, "{output:?}");
        let [record] = &output.json()[..] else { panic!("{output:?}") };
        assert_eq!(record["state"], "completed");
        assert_eq!(record["operation"], "POST /payments");
        assert_eq!(record["label"], "ord-1");
        assert_eq!(record["schema"], "idem.record/1");
        // The IETF draft requires quotes in the header, so a log of the client shows them.
        let quoted = ["find", "--key", "\"ord-1\"", "--scope", "acme", "--json"];
        assert_eq!(service.idem(&quoted).json()[0]["record"], record["record"]);
        let named = [&by_key[..], &["--operation", "POST /payments"]].concat();
        assert_eq!(service.idem(&named).json()[0]["record"], record["record"]);
        for other in [
            ["find", "--key", "ord-2", "--scope", "acme"],
            ["find", "--key", "ord-1", "--scope", "initech"],
        ] {
            let output = service.idem(&other);
            assert_eq!(output.code, 1, "{output:?}");
            assert!(output.stderr.contains("`POST /payments`"), "{output:?}");
        }
    });
}

/// A key of a function can contain quotes, and is then found as it is.
#[test]
fn key_that_contains_quotes_is_found() {
    on_every_store(|service| {
        service.paid("acme", "\"ord-1\"").unwrap();
        let find = |key| service.idem(&["find", "--key", key, "--scope", "acme", "--json"]);
        assert_eq!(find("\"ord-1\"").json().len(), 1);
        assert_eq!(find("ord-1").code, 1);
    });
}

#[test]
fn record_is_shown_with_what_can_be_done() {
    on_every_store(|service| {
        service.crashed("acme", "ord-1");
        service.age(LEASE * 4);
        let list = service.idem(&["list", "--state", "unknown", "--json"]).json();
        let id = list[0]["record"].as_str().unwrap();
        let short = &id[..8];
        for reference in [short, id, &id.to_uppercase(), &format!("urn:idem:record:{id}")] {
            let output = service.idem(&["show", reference, "--downstream", "charge"]);
            assert_eq!(output.code, 0, "{output:?}");
            let lines: Vec<_> = output.stdout.lines().collect();
            assert_eq!(lines[0], format!("record      {id}"));
            assert_eq!(lines[1], "operation   POST /payments    label ord-1");
            assert!(lines[2].starts_with("state       outcome unknown for 40m"), "{}", lines[2]);
            assert!(lines[2].contains("(crashed: the lease ended at 20"), "{}", lines[2]);
            assert!(lines[3].starts_with("run         attempt 1, at most once, fencing token "));
            assert!(lines[4].starts_with("downstream  charge  "), "{}", lines[4]);
            assert!(
                lines[5].starts_with("next        make sure that the process of the run has ended"),
                "{}",
                lines[5]
            );
            assert!(
                lines[5].contains(&format!("`idem resolve {short} complete …`")),
                "{}",
                lines[5]
            );
        }
    });
}

/// A response can contain personal data, so it is shown only on request, and cannot change the terminal.
#[test]
fn stored_response_is_shown_on_request() {
    on_every_store(|service| {
        service.paid("acme", "ord-1").unwrap();
        let list = service.idem(&["list", "--json"]).json();
        let id = list[0]["record"].as_str().unwrap().to_owned();
        assert_eq!(list[0].get("response"), None);
        let [shown] = &service.idem(&["show", &id, "--response", "--json"]).json()[..] else {
            panic!()
        };
        assert_eq!(shown["response"]["status"], 200);
        let text = service.idem(&["show", &id, "--response"]);
        assert_eq!(text.code, 0, "{text:?}");
        assert!(text.stdout.contains("response    200\n"), "{text:?}");
        assert!(
            text.stdout.ends_with(&format!("{}\n", shown["response"]["body"].as_str().unwrap()))
        );

        let bell = StoredResponse::text(200, "bell \u{7} and \u{1b}[2J");
        let unknown = service.unknown(rand::random(), UnknownReason::TimedOut);
        let none = service.idem(&["show", &unknown, "--response"]);
        assert_eq!(none.code, 1, "{none:?}");
        assert!(none.stderr.contains("no stored response"), "{none:?}");
        service.resolved(&unknown, bell);
        let text = service.idem(&["show", &unknown, "--response"]);
        assert!(text.stdout.contains("bell \\u{7} and \\u{1b}[2J"), "{text:?}");
    });
}

#[test]
fn unknown_and_ambiguous_references_are_reported() {
    on_every_store(|service| {
        let mut id: [u8; 32] = rand::random();
        service.unknown(id, UnknownReason::TimedOut);
        id[31] ^= 1;
        let second = service.unknown(id, UnknownReason::TimedOut);
        let output = service.idem(&["show", &second[..12]]);
        assert_eq!(output.code, 2, "{output:?}");
        assert!(output.stderr.contains("2 records start with"), "{output:?}");
        assert!(output.stderr.contains(&second), "{output:?}");
        let output = service.idem(&["show", "deadbeef"]);
        assert_eq!(output.code, 1, "{output:?}");
        assert!(output.stderr.contains("no record starts with deadbeef"), "{output:?}");
        for bad in ["deadbee", "deadbeeg", &"0".repeat(65)] {
            let output = service.idem(&["show", bad]);
            assert_eq!(output.code, 2, "{output:?}");
            assert!(output.stderr.contains("8 to 64 hexadecimal digits"), "{output:?}");
        }
    });
}

#[test]
fn records_are_listed_by_state_operation_label_and_age() {
    on_every_store(|service| {
        service.paid("acme", "ord-1").unwrap();
        service.paid("acme", "ord-2").unwrap();
        service.begun("acme", "ord-3");
        let refund = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let labels = |arguments: &[&str]| {
            let output = service.idem(&[&["list", "--json"], arguments].concat());
            assert_eq!(output.code, 0, "{output:?}");
            let records = output.json();
            let mut labels: Vec<_> =
                records.iter().map(|record| record["label"].as_str().unwrap().to_owned()).collect();
            labels.sort();
            labels
        };
        assert_eq!(labels(&[]), ["ord-1", "ord-2", "ord-3", "refund-7"]);
        assert_eq!(labels(&["--state", "running"]), ["ord-3"]);
        assert_eq!(labels(&["--state", "completed"]), ["ord-1", "ord-2"]);
        assert_eq!(labels(&["--state", "unknown"]), ["refund-7"]);
        assert_eq!(labels(&["--operation", "POST /refunds"]), ["refund-7"]);
        assert_eq!(labels(&["--label", "ord-*"]), ["ord-1", "ord-2", "ord-3"]);
        assert_eq!(labels(&["--label", "ord-?", "--state", "running"]), ["ord-3"]);
        assert_eq!(labels(&["--older-than", "1h"]), [""; 0]);
        assert_eq!(labels(&["--since", "1h", "--state", "unknown"]), ["refund-7"]);
        let output = service.idem(&["list", "--limit", "2"]);
        assert!(output.stderr.contains("only the first 2 records"), "{output:?}");
        let table = service.idem(&["list", "--state", "unknown"]).stdout;
        let rows: Vec<Vec<_>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["RECORD", "STATE", "FOR", "OPERATION", "LABEL"]);
        assert_eq!(rows[1][..3], [&refund[..8], "unknown", "(ambiguous)"]);
        assert_eq!(rows[1][4..], ["POST", "/refunds", "refund-7"]);
    });
}

#[test]
fn records_are_counted() {
    on_every_store(|service| {
        let empty = service.idem(&["stats"]);
        assert!(empty.stdout.starts_with("no records"), "{empty:?}");
        service.paid("acme", "ord-1").unwrap();
        service.paid("acme", "ord-2").unwrap();
        let unknown = service.unknown(rand::random(), UnknownReason::Drained);
        let [stats] = &service.idem(&["stats", "--json"]).json()[..] else { panic!() };
        let expected =
            json!({ "POST /payments": { "completed": 2 }, "POST /refunds": { "unknown": 1 } });
        assert_eq!(stats["operations"], expected);
        assert_eq!(stats["oldest_unknown"]["record"], unknown);
        let text = service.idem(&["stats"]).stdout;
        assert!(text.contains(&format!("oldest unknown outcome: {}", &unknown[..8])), "{text}");
    });
}
