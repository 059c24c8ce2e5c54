//! `resolve`, `evict` and `audit`.

use std::fs;

use idem_core::UnknownReason;

use crate::command::Output;
use crate::service::{PayError, Service, on_every_store};

fn only(service: &Service) -> String {
    let list = service.idem(&["list", "--json"]).json();
    let [record] = &list[..] else { panic!("{list:?}") };
    record["record"].as_str().unwrap().to_owned()
}

fn token(service: &Service, id: &str) -> String {
    service.idem(&["show", id, "--json"]).json()[0]["fencing_token"].to_string()
}

fn refused(output: &Output, code: i32, text: &str) {
    assert_eq!(output.code, code, "{output:?}");
    assert!(output.stderr.contains(text), "{text}: {output:?}");
}

/// On-call: the provider has no charge, so the key is freed, and the client's retry pays.
#[test]
fn released_key_is_paid_once() {
    on_every_store(|service| {
        service.crashed("acme", "ord-1");
        assert!(matches!(service.paid("acme", "ord-1"), Err(PayError::Rejected(_))));
        let id = only(service);
        let old = token(service, &id);
        let release =
            ["resolve", &id[..8], "release", "--reason", "nothing at the provider", "--yes"];
        let output = service.idem(&[&release[..], &["--actor", "ada@ops"]].concat());
        assert_eq!(output.code, 0, "{output:?}");
        assert_eq!(service.paid("acme", "ord-1").unwrap(), 42);
        let audit = service.idem(&["audit", &id[..8], "--json"]).json();
        assert_eq!(audit.len(), 1, "{audit:?}");
        for (member, value) in [
            ("actor", "ada@ops"),
            ("action", "release"),
            ("reason", "nothing at the provider"),
            ("outcome", "done"),
            ("state_before", "outcome unknown: crashed"),
        ] {
            assert_eq!(audit[0][member], value);
        }
        refused(&service.idem(&release), 5, "`idem evict` deletes it");
        let stale = [&release[..], &["--fencing-token", &old]].concat();
        refused(&service.idem(&stale), 3, "the record has changed");
        let text = service.idem(&["audit", "--since", "1h"]).stdout;
        assert!(
            text.contains("release   done        ada@ops  before: outcome unknown: crashed"),
            "{text}"
        );
    });
}

/// Support: the provider has a charge, so its answer is stored, and the client's retry gets it.
#[test]
fn completed_record_is_replayed() {
    on_every_store(|service| {
        service.crashed("acme", "ord-1");
        let id = only(service);
        let body = std::env::temp_dir().join(format!("idem-cli-{}.json", service.name));
        fs::write(&body, "7").unwrap();
        let complete = |more: &[&str]| {
            let body = body.to_str().unwrap();
            let first = ["resolve", &id, "complete", "--status", "200", "--body", body];
            service.idem(&[&first[..], &["--reason", "found"], more].concat())
        };
        refused(&complete(&[]), 2, "confirm with --yes");
        refused(
            &complete(&["--yes", "--header", "Set-Cookie: a=b"]),
            2,
            "`set-cookie` is a header",
        );
        refused(&complete(&["--yes", "--header", "novalue"]), 2, "write NAME:VALUE");
        for status in ["204", "205", "304"] {
            let first = ["resolve", &id, "complete", "--status", status, "--reason", "x", "--yes"];
            let with_body = [&first[..], &["--body", body.to_str().unwrap()]].concat();
            refused(&service.idem(&with_body), 2, "has no body; leave the body out");
        }
        refused(&complete(&["--yes", "--max-response", "0"]), 5, "raise --max-response");
        refused(&complete(&["--fencing-token", "1"]), 3, "the record has changed");
        let current = token(service, &id);
        let output = complete(&["--fencing-token", &current]);
        assert_eq!(output.code, 0, "{output:?}");
        assert_eq!(service.paid("acme", "ord-1").unwrap(), 7);
        refused(&complete(&["--yes"]), 5, "there is no unknown outcome to resolve");
        let audit = service.idem(&["audit", &id, "--json"]).json();
        let outcomes: Vec<_> = audit.iter().map(|entry| entry["outcome"].clone()).collect();
        assert_eq!(outcomes, ["done"]);
        assert!(audit[0]["response_sha256"].is_string());
        fs::remove_file(body).unwrap();
    });
}

#[test]
fn bad_responses_change_nothing() {
    on_every_store(|service| {
        let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let before = token(service, &id);
        for status in ["99", "199", "600", "abc"] {
            let output = service
                .idem(&["resolve", &id, "complete", "--status", status, "--reason", "x", "--yes"]);
            assert_eq!(output.code, 2, "{output:?}");
        }
        let missing = ["resolve", &id, "complete", "--status", "201", "--body", "no-such-file"];
        let output = service.idem(&[&missing[..], &["--reason", "x", "--yes"]].concat());
        refused(&output, 2, "cannot read no-such-file");
        assert_eq!(token(service, &id), before);
    });
}

#[test]
fn live_run_is_never_changed() {
    on_every_store(|service| {
        service.begun("acme", "ord-1");
        let id = only(service);
        let before = token(service, &id);
        for action in [
            &["resolve", &id, "release", "--reason", "x", "--yes", "--force"][..],
            &["resolve", &id, "hold", "30d", "--reason", "x", "--yes"],
            &["resolve", &id, "complete", "--status", "200", "--reason", "x", "--yes"],
            &["evict", &id, "--reason", "x", "--yes", "--force"],
        ] {
            refused(&service.idem(action), 5, "a run holds the key");
        }
        assert_eq!(token(service, &id), before);
    });
}

/// Blocking code of a run that was given up can still send its request.
#[test]
fn run_that_may_be_active_is_released_only_by_force() {
    on_every_store(|service| {
        for reason in [UnknownReason::TimedOut, UnknownReason::Drained] {
            let id = service.unknown(rand::random(), reason);
            let release = ["resolve", &id, "release", "--reason", "x", "--yes"];
            refused(&service.idem(&release), 5, "may still be running");
            let forced = service.idem(&[&release[..], &["--force"]].concat());
            assert_eq!(forced.code, 0, "{forced:?}");
            assert_eq!(service.idem(&["show", &id]).code, 1);
        }
    });
}

#[test]
fn unknown_outcome_is_held_for_longer() {
    on_every_store(|service| {
        let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let expires = |service: &Service| {
            let record = service.idem(&["show", &id, "--json"]).json();
            record[0]["expires_at"].as_str().unwrap().to_owned()
        };
        let before = expires(service);
        let output = service.idem(&["resolve", &id, "hold", "90d", "--reason", "dispute", "--yes"]);
        assert_eq!(output.code, 0, "{output:?}");
        assert!(expires(service) > before);
    });
}

/// A hold that ends earlier would free the key without `--force`, also after `timed-out`.
#[test]
fn hold_never_ends_before_the_record() {
    on_every_store(|service| {
        for reason in [UnknownReason::Ambiguous, UnknownReason::TimedOut] {
            let id = service.unknown(rand::random(), reason);
            let before = token(service, &id);
            for duration in ["0s", "1s", "30m"] {
                let hold = ["resolve", &id, "hold", duration, "--reason", "x", "--yes"];
                let output = service.idem(&hold);
                refused(&output, 5, "a hold cannot end earlier; it is kept until 20");
            }
            assert_eq!(token(service, &id), before);
        }
    });
}

#[test]
fn evicted_record_runs_again() {
    on_every_store(|service| {
        service.paid("acme", "ord-1").unwrap();
        let id = only(service);
        refused(&service.idem(&["evict", &id, "--reason", "x", "--yes"]), 5, "pass --force");
        let output = service.idem(&["evict", &id, "--reason", "x", "--yes", "--force"]);
        assert_eq!(output.code, 0, "{output:?}");
        assert_eq!(service.idem(&["show", &id]).code, 1);
        let audit = service.idem(&["audit", &id, "--json"]).json();
        assert_eq!(audit[0]["action"], "evict");
    });
}

/// Two operators with the same view of a record: one of them makes the change, and the other learns that.
#[test]
fn one_of_two_operators_wins() {
    on_every_store(|service| {
        let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let seen = token(service, &id);
        let hold = ["resolve", &id, "hold", "1d", "--reason", "x", "--fencing-token", &seen];
        let codes: Vec<_> = std::thread::scope(|scope| {
            let runs = [(); 4].map(|()| scope.spawn(|| service.idem(&hold).code));
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| **code == 3).count(), 3, "{codes:?}");
    });
}
