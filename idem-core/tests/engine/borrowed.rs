//! Runs that borrow from their caller: cut off when it leaves, as by a crash.

use idem_core::http::{Executed, Served};
use idem_core::store::Completion;
use idem_core::{MemoryStore, Outcome};

use crate::support::{AGAIN, LEASE, ONCE, Service, done, polled, ran, refused, replayed};

fn unknown() -> Executed<String> {
    Executed {
        reply: "panicked".to_owned(),
        outcome: Outcome::Ambiguous,
        completion: Completion::Unknown,
    }
}

#[tokio::test]
async fn a_handler_may_borrow_and_its_answer_is_stored() {
    let service = Service::new(MemoryStore::new());
    let words = String::from("borrowed");
    let handler = async |_| {
        done(match &*words {
            "borrowed" => "first",
            _ => "other",
        })
        .await
    };
    let served =
        service.idempotency.run_borrowed(service.call(&ONCE, "key"), handler, unknown).await;
    assert!(matches!(served, Ok(Served::Executed(reply)) if reply == "first"));
    assert_eq!(service.send(&ONCE, "key", done("second")).await, replayed("first"));
}

#[tokio::test]
async fn a_run_whose_caller_leaves_is_unknown_once_its_lease_is_over() {
    for (policy, then) in [(&ONCE, refused("OutcomeUnknown")), (&AGAIN, ran("second"))] {
        let store = MemoryStore::new();
        let service = Service::new(store.clone());
        let call = service.call(policy, "key");
        let run = service.idempotency.run_borrowed(call, |_| std::future::pending(), unknown);
        assert!(polled(run, 1).await.is_none());

        assert_eq!(service.send(policy, "key", done("early")).await, refused("InProgress"));
        store.advance_clock(LEASE);
        assert_eq!(service.send(policy, "key", done("second")).await, then);
    }
}
