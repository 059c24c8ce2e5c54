//! The events of runs and stores, and observers that panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use idem_core::observe::{Event, Observer};
use idem_core::records::{Actor, Filter};
use idem_core::{Activity, Execution, Idempotency, MemoryStore, Outcome, Policy, Recovery};

use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, AT_MOST_ONCE_WAITING, DelayedStore, Events, Gate, LEASE, Service,
    broken_store, done, ran, replayed,
};

static RECOVERABLE: Policy = AT_MOST_ONCE.with_settle(Duration::ZERO);

fn observed(store: &MemoryStore) -> (Service, Events) {
    let events = Events::default();
    let builder = Idempotency::builder(store.clone()).observer(events.clone());
    (Service::with(builder.build()), events)
}

/// Starts a run of the key `key` that waits at a gate.
async fn start(service: &Service, policy: &'static Policy) -> Gate {
    let gate = Gate::default();
    drop(service.spawn(policy, "key", gate.then("first")));
    gate.started().await;
    gate
}

#[tokio::test(start_paused = true)]
async fn every_reply_of_the_store_is_an_event_on_stores_with_and_without_delay() {
    for store in DelayedStore::with_all_delays() {
        let events = Events::default();
        let builder = Idempotency::builder(store).observer(events.clone());
        let service = Service::with(builder.build());
        assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
        assert_eq!(service.send(&AT_MOST_ONCE, "key", done("again")).await, replayed("first"));
        let claim = "store custom claim None";
        assert_eq!(events.with("store "), [claim, "store custom complete None", claim]);
    }
}

#[tokio::test]
async fn a_failed_store_call_has_its_kind() {
    let events = Events::default();
    let idempotency = Idempotency::builder(broken_store()).observer(events.clone()).build();
    Service::with(idempotency).send(&AT_MOST_ONCE, "key", done("never")).await;
    assert_eq!(events.with("store ")[0], "store custom claim Some(NotDone)");
}

#[tokio::test]
async fn a_late_completion_is_an_event() {
    let store = MemoryStore::new();
    let (service, events) = observed(&store);
    let gate = start(&service, &AT_LEAST_ONCE).await;
    store.advance_clock(LEASE);
    assert_eq!(service.send(&AT_LEAST_ONCE, "key", done("second")).await, ran("second"));
    gate.open();
    let _ = service.idempotency.drain(LEASE).await;
    assert_eq!(events.with("late "), ["late POST /payments 200 attempt=1"]);
    // The late client gets the accepted response.
    assert_eq!(events.with("replayed").len(), 1);
}

#[tokio::test]
async fn a_wait_is_an_event() {
    let store = MemoryStore::new();
    let (service, events) = observed(&store);
    let gate = start(&service, &AT_MOST_ONCE).await;
    let waiting = service.spawn(&AT_MOST_ONCE_WAITING, "key", done("again"));
    while service.idempotency.activity().waiting == 0 {
        tokio::task::yield_now().await;
    }
    gate.open();
    assert_eq!(waiting.await.unwrap(), replayed("first"));
    assert_eq!(events.with("wait "), ["wait POST /payments woken=true"]);

    static BRIEF: Policy = AT_MOST_ONCE.with_wait(Duration::from_millis(1));
    let other = Gate::default();
    drop(service.spawn(&AT_MOST_ONCE, "other", other.then("other")));
    other.started().await;
    service.send(&BRIEF, "other", done("again")).await;
    assert_eq!(events.with("wait ")[1..], ["wait POST /payments woken=false"]);
    other.open();
}

#[tokio::test]
async fn a_run_that_is_held_after_acting_is_an_event() {
    let (service, events) = observed(&MemoryStore::new());
    let acts = async {
        drop(Execution::current().downstream_key("charge"));
        let head = idem_core::http::Head {
            status: 503,
            headers: idem_core::store::Headers::default(),
            declared: None::<Outcome>,
            announced: 0,
            is_stream: false,
        };
        let body = futures_util::stream::empty::<Result<bytes::Bytes, std::convert::Infallible>>();
        idem_core::http::capture(head, body, 100, |_| String::new()).await
    };
    service.send(&AT_MOST_ONCE, "key", acts).await;
    assert_eq!(events.with("held "), ["held POST /payments 503"]);
}

#[tokio::test]
async fn recoveries_and_resolutions_are_events() {
    let store = MemoryStore::new();
    let (service, events) = observed(&store);
    let run = |report: Recovery<&'static str>| {
        let hook = async move {
            match report {
                Recovery::Happened(body) => Recovery::Happened(done(body).await),
                other => other.map(|_| unreachable!()),
            }
        };
        service.send_recoverable(&RECOVERABLE, hook, done("first"))
    };
    let (sender, gate) = (service.clone(), Gate::default());
    let running = gate.then("lost");
    drop(tokio::spawn(async move {
        sender.send_recoverable(&RECOVERABLE, async { unreachable!() }, running).await
    }));
    gate.started().await;
    store.advance_clock(LEASE);
    run(Recovery::Inconclusive).await;
    store.advance_clock(LEASE);
    run(Recovery::Disputed("another amount".to_owned())).await;
    let verdicts = ["recovery POST /payments inconclusive", "recovery POST /payments disputed"];
    assert_eq!(events.with("recovery "), verdicts);

    let records = service.idempotency.records().unwrap();
    let record = records.list(Filter::unknown()).try_next().await.unwrap().unwrap();
    let actor = Actor::new("ada");
    let _ = record.release(&actor).await.unwrap();
    let _ = record.release(&actor).await.unwrap();
    let resolved = ["resolution POST /payments release"];
    assert_eq!(events.with("resolution "), resolved, "the second one changes nothing");
}

/// Counts its events, and panics.
#[derive(Clone, Default)]
struct Panicking(Arc<AtomicUsize>);

impl Observer for Panicking {
    fn observe(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("in an observer");
    }
}

/// Neither the request nor another observer is affected, in whatever way the observers are combined.
#[tokio::test]
async fn a_panic_of_an_observer_is_caught() {
    let (panicking, [a, b, c, d]) = (Panicking::default(), [(); 4].map(|()| Events::default()));
    let builder = Idempotency::builder(MemoryStore::new())
        .observer((panicking.clone(), a.clone()))
        .observer(vec![
            Arc::new(panicking.clone()) as Arc<dyn Observer>,
            Arc::new(b.clone()),
            Arc::new(c.clone()),
        ])
        .observer(d.clone());
    let service = Service::with(builder.build());
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("first")).await, ran("first"));
    assert_eq!(service.send(&AT_MOST_ONCE, "key", done("again")).await, replayed("first"));
    for events in [a, b, c, d] {
        assert_eq!(events.with("call ").len(), 2);
    }
    // A claim, a completion and a call, then a claim and a call, for two observers.
    assert_eq!(panicking.0.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn active_runs_are_counted() {
    let (service, _) = observed(&MemoryStore::new());
    assert_eq!(service.idempotency.activity(), Activity::default());
    let gate = start(&service, &AT_MOST_ONCE).await;
    assert_eq!(service.idempotency.activity().running, 1);
    gate.open();
    let _ = service.idempotency.drain(LEASE).await;
    assert_eq!(service.idempotency.activity(), Activity::default());
}
