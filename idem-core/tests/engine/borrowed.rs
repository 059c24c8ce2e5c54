//! Runs that borrow from their caller. They are cancelled with the call, which has the effect of a crash.

use idem_core::http::{Executed, Served};
use idem_core::store::{Completion, UnknownReason};
use idem_core::{MemoryStore, Outcome};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, LEASE, Service, done, poll_times, ran, refused, replayed,
};

fn unknown() -> Executed<String> {
    Executed::new(
        "panicked".to_owned(),
        Outcome::Ambiguous,
        Completion::unknown(UnknownReason::Ambiguous),
    )
}

#[tokio::test]
async fn a_handler_may_borrow_and_its_response_is_stored() {
    let service = Service::new(MemoryStore::new());
    let text = String::from("borrowed");
    let handler = async |_| {
        done(match &*text {
            "borrowed" => "first",
            _ => "other",
        })
        .await
    };
    let served = service
        .idempotency
        .run_borrowed(service.call(&AT_MOST_ONCE, "key"), handler, unknown)
        .await;
    assert!(matches!(served, Ok(Served::Executed(reply)) if reply == "first"));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("second")).await, replayed("first"));
}

#[tokio::test]
async fn a_dropped_call_has_the_effect_of_a_crash_once_its_lease_is_over() {
    for (policy, expected) in [
        (&AT_MOST_ONCE, refused("OutcomeUnknown { retry_after: None }")),
        (&AT_LEAST_ONCE, ran("second")),
    ] {
        let store = MemoryStore::new();
        let service = Service::new(store.clone());
        let call = service.call(policy, "key");
        let run = service.idempotency.run_borrowed(call, |_| std::future::pending(), unknown);
        assert!(poll_times(run, 1).await.is_none());

        assert_eq!(service.send(policy, "key", done("early")).await, refused("InProgress"));
        store.advance_clock(LEASE);
        assert_eq!(service.send(policy, "key", done("second")).await, expected);
    }
}
