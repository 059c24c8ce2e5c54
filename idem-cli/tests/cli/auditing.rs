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
        assert_eq!((verify.code, &*verify.stdout), (0, "4 entries, and none was changed\n"));
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

#[test]
fn old_entries_are_pruned() {
    on_every_store(|service| {
        entries(service, 2);
        let none = service.idem(&["audit", "--prune-before", "2020-01-31"]);
        assert_eq!((none.code, &*none.stdout), (0, "0 entries deleted\n"), "{none:?}");
        assert_eq!(service.idem(&["audit", "--json"]).json().len(), 2);
        let pruned = service.idem(&["audit", "--prune-before", "2120-01-31T12:00:00Z", "--json"]);
        let deleted = pruned.json()[0]["deleted"].as_u64().unwrap();
        // On Redis, a change has an entry before and one after it.
        assert_eq!(deleted, if service.kind == Kind::Redis { 4 } else { 2 }, "{pruned:?}");
        assert!(service.idem(&["audit", "--json"]).json().is_empty());
        for bad in ["soon", "2026-13-01", "0"] {
            let output = service.idem(&["audit", "--prune-before", bad]);
            assert_eq!(output.code, 2, "{output:?}");
            assert!(output.stderr.contains("2026-01-31T12:00:00Z"), "{output:?}");
        }
    });
    let both = idem(&["audit", "--verify", "--prune-before", "2020-01-31"]);
    assert_eq!(both.code, 2, "{both:?}");
}
