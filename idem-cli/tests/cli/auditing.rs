//! `audit`: late completions, the chain of the entries, and pruning.

use idem_core::UnknownReason;

use crate::command::idem;
use crate::service::{Kind, Service, on_every_store};

/// Holds an unknown outcome a few times, so that the audit log has entries.
fn entries(service: &Service, count: usize) -> String {
    let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
    for _ in 0..count {
        let hold = ["resolve", &id, "hold", "90d", "--reason", "dispute", "--yes"];
        assert_eq!(service.idem(&hold).code, 0);
    }
    id
}

#[test]
fn late_completion_is_shown_first() {
    on_every_store(|service| {
        let id = service.unknown(rand::random(), UnknownReason::TimedOut);
        service.late(&id);
        let text = service.idem(&["show", &id]).stdout;
        assert!(
            text.starts_with("warning     a second effect may exist: run 1 reported 201 at 20"),
            "{text}"
        );
        let [record] = &service.idem(&["show", &id, "--json"]).json()[..] else { panic!() };
        let [late] = &record["late_completions"].as_array().unwrap()[..] else { panic!() };
        assert_eq!((&late["action"], &late["actor"]), (&"late".into(), &"run 1".into()));
        let text = service.idem(&["audit", &id]).stdout;
        assert!(text.contains("late      done"), "{text}");
    });
}

#[test]
fn changed_entry_is_found() {
    on_every_store(|service| {
        entries(service, 4);
        let verify = service.idem(&["audit", "--verify"]);
        if service.kind == Kind::Redis {
            assert_eq!(verify.code, 5, "{verify:?}");
            assert!(
                verify.stderr.contains("the entries of this store are not chained"),
                "{verify:?}"
            );
            return;
        }
        assert_eq!(verify.code, 0, "{verify:?}");
        assert!(
            verify.stdout.starts_with("4 entries, and each matches the one before it\n"),
            "{verify:?}"
        );
        for change in [
            "UPDATE {audit} SET actor = 'mallory' WHERE entry = 2",
            "DELETE FROM {audit} WHERE entry = 3",
        ] {
            service.sql(change);
            let broken = service.idem(&["audit", "--verify"]);
            assert_eq!(broken.code, 4, "{broken:?}");
            assert!(broken.stderr.contains("the audit log was changed"), "{broken:?}");
            let json = service.idem(&["audit", "--verify", "--json"]).json();
            assert_eq!((&json[0]["chain"], &json[0]["entries"]), (&"broken".into(), &2.into()));
            assert_eq!(json[0]["broken_at"]["action"], "hold");
        }
    });
}

/// A removal at the end leaves the chain intact. The number and the digest of an earlier run show it.
#[test]
fn removed_newest_entry_is_found_by_the_digest_of_an_earlier_run() {
    on_every_store(|service| {
        if service.kind == Kind::Redis {
            return;
        }
        let check = || service.idem(&["audit", "--verify", "--json"]).json().remove(0);
        assert_eq!(check().get("newest_sha256"), None, "there are no entries");
        let id = entries(service, 3);
        let before = check();
        let text = service.idem(&["audit", "--verify"]);
        let digest = before["newest_sha256"].as_str().unwrap();
        assert!(text.stdout.contains(&format!("digest of the newest entry: {digest}")), "{text:?}");
        assert!(text.stderr.contains("leave the chain intact"), "{text:?}");

        let hold = ["resolve", &id, "hold", "90d", "--reason", "dispute", "--yes"];
        assert_eq!(service.idem(&hold).code, 0);
        let log = service.idem(&["audit", "--json"]).json();
        assert_eq!(log[3]["previous_sha256"], digest, "the next entry contains it");

        service.sql("DELETE FROM {audit} WHERE entry >= 3");
        let after = check();
        assert_eq!((&after["chain"], &after["entries"]), (&"intact".into(), &2.into()));
        assert_ne!(after["newest_sha256"], digest);
        let log = service.idem(&["audit", "--json"]).json();
        assert!(log.iter().all(|entry| entry["previous_sha256"] != digest), "{log:?}");
    });
}

/// A typing error must not delete the log.
#[test]
fn pruning_needs_a_confirmation_and_a_past_time() {
    on_every_store(|service| {
        entries(service, 1);
        let before = service.idem(&["audit", "--json"]).json().len();
        let now = jiff::Timestamp::now().to_string();
        for time in ["2020-01-31", &now] {
            let asked = service.idem(&["audit", "--prune-before", time]);
            assert_eq!(asked.code, 2, "{asked:?}");
            assert!(asked.stderr.contains("confirm with --yes"), "{asked:?}");
        }
        let future = service.idem(&["audit", "--prune-before", "2120-01-31T12:00:00Z", "--yes"]);
        assert_eq!(future.code, 2, "{future:?}");
        assert!(future.stderr.contains("2120-01-31 12:00:00Z is in the future"), "{future:?}");
        assert_eq!(service.idem(&["audit", "--json"]).json().len(), before);
    });
    let alone = idem(&["audit", "--yes"]);
    assert_eq!(alone.code, 2, "{alone:?}");
}

#[test]
fn old_entries_are_pruned() {
    on_every_store(|service| {
        entries(service, 2);
        let none = service.idem(&["audit", "--prune-before", "2020-01-31", "--yes"]);
        assert_eq!((none.code, &*none.stdout), (0, "0 entries deleted\n"), "{none:?}");
        assert_eq!(service.idem(&["audit", "--json"]).json().len(), 2);
        let now = jiff::Timestamp::now().to_string();
        let pruned = service.idem(&["audit", "--prune-before", &now, "--yes", "--json"]);
        let deleted = pruned.json()[0]["deleted"].as_u64().unwrap();
        // On Redis, a change has an entry before and one after it.
        assert_eq!(deleted, if service.kind == Kind::Redis { 4 } else { 2 }, "{pruned:?}");
        assert!(service.idem(&["audit", "--json"]).json().is_empty());
        for bad in ["soon", "2026-13-01", "0"] {
            let output = service.idem(&["audit", "--prune-before", bad, "--yes"]);
            assert_eq!(output.code, 2, "{output:?}");
            assert!(output.stderr.contains("2026-01-31T12:00:00Z"), "{output:?}");
        }
    });
    let both = idem(&["audit", "--verify", "--prune-before", "2020-01-31"]);
    assert_eq!(both.code, 2, "{both:?}");
}
