//! Each outcome of a call increments one counter, by one. The recorder is global, so every scenario has its own operation.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use idem_core::http::{Call, Executed, FingerprintInput, Scope};
use idem_core::records::Operation;
use idem_core::store::{Completion, Headers, StoredResponse};
use idem_core::{
    Guarantee, Idempotency, IdempotencyBuilder, IdempotencyKey, KeyError, KeyStatus, MemoryStore,
    Outcome, Policy, Refusal, Rejection,
};
use idem_metrics::{Kind, METRICS, Metrics};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::sync::oneshot;

const HOUR: Duration = Duration::from_secs(3600);
/// So long that no renewal is due between a step of the store's clock and the next call.
const LEASE: Duration = Duration::from_secs(10 * 60);
static AT_MOST_ONCE: Policy = Policy::new(HOUR, Guarantee::AtMostOnce).with_lease(LEASE);
static AT_LEAST_ONCE: Policy = Policy::new(HOUR, Guarantee::AtLeastOnce).with_lease(LEASE);
static LIMITED_RUN: Policy = AT_MOST_ONCE.with_max_run(Duration::from_secs(1));

static RECORDER: LazyLock<Snapshotter> = LazyLock::new(|| {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    snapshotter
});

/// A snapshot resets the counters, so tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// The counters that have grown since the last snapshot, with their labels.
fn increases() -> BTreeMap<String, u64> {
    let snapshot = RECORDER.snapshot().into_vec();
    let counters = snapshot.into_iter().filter_map(|(key, _, _, value)| match value {
        DebugValue::Counter(0) => None,
        DebugValue::Counter(value) => {
            let labels: Vec<_> = key
                .key()
                .labels()
                .map(|label| format!("{}={}", label.key(), label.value()))
                .collect();
            Some((format!("{} {}", key.key().name(), labels.join(" ")), value))
        }
        _ => None,
    });
    counters.collect()
}

struct Scenario {
    operation: &'static str,
    idempotency: Idempotency,
    store: MemoryStore,
}

impl Scenario {
    fn new(operation: &'static str) -> Self {
        Self::with(operation, |builder| builder)
    }

    fn with(
        operation: &'static str,
        build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        LazyLock::force(&RECORDER);
        let store = MemoryStore::new();
        let builder = Idempotency::builder(store.clone()).observer(Metrics::new());
        Self { operation, idempotency: build(builder).build(), store }
    }

    fn call(&self, policy: &'static Policy, key: &str) -> Call {
        let key = IdempotencyKey::new(key).unwrap();
        self.idempotency.call(policy, &[self.operation], Scope::of("acme"), &key).unwrap()
    }

    async fn run(&self, call: Call, status: u16, outcome: Outcome) {
        drop(
            self.idempotency
                .run(call, move |_| async move { executed(status, outcome) }, panicked)
                .await,
        );
    }

    async fn succeed(&self) {
        self.run(self.call(&AT_MOST_ONCE, "key"), 201, Outcome::Final).await;
    }

    /// Starts a run that waits until the sender is used or dropped.
    async fn start(&self, policy: &'static Policy) -> oneshot::Sender<()> {
        let ((started, has_started), (end, ended)) = (oneshot::channel(), oneshot::channel());
        let handler = move |_| async move {
            started.send(()).unwrap();
            drop(ended.await);
            executed(201, Outcome::Final)
        };
        let running = self.idempotency.run(self.call(policy, "key"), handler, panicked);
        drop(tokio::spawn(async move { drop(running.await) }));
        has_started.await.unwrap();
        end
    }

    /// Asserts that since the last snapshot nothing was counted for this operation but `expected`.
    fn assert_counted(&self, expected: &[&str]) {
        let mut counted: Vec<_> = increases()
            .into_iter()
            .filter(|(name, _)| name.contains(&format!("operation={}", self.operation)))
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        counted.sort();
        let fill = |row: &&str| row.replace("{}", &format!("operation={}", self.operation));
        let mut expected: Vec<_> = expected.iter().map(fill).collect();
        expected.sort();
        assert_eq!(counted, expected);
    }
}

fn executed(status: u16, outcome: Outcome) -> Executed<()> {
    let response = StoredResponse::new(status, Headers::default(), Bytes::new());
    Executed::new((), outcome, Completion::Response(response))
}

fn panicked() -> Executed<()> {
    executed(500, Outcome::Ambiguous)
}

/// The runtime has one thread, so that a task has reported the end of its run before a drain returns.
macro_rules! alone {
    ($($body:tt)*) => {{
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { $($body)* });
    }};
}

#[test]
fn each_result_of_a_run_is_one_increment() {
    alone! {
        increases();
        let runs = [
            ("success", 201, Outcome::Final, &AT_MOST_ONCE, "success"),
            ("declined", 402, Outcome::Final, &AT_MOST_ONCE, "failed"),
            ("ambiguous", 502, Outcome::Ambiguous, &AT_MOST_ONCE, "failed"),
            ("not-executed", 503, Outcome::NotExecuted, &AT_MOST_ONCE, "released"),
            ("repeated", 502, Outcome::Ambiguous, &AT_LEAST_ONCE, "released"),
        ];
        for (operation, status, outcome, policy, result) in runs {
            let one = Scenario::new(operation);
            one.run(one.call(policy, "key"), status, outcome).await;
            one.assert_counted(&[&format!("idem_calls_total {{}} outcome=executed result={result} 1")]);
        }
        let one = Scenario::new("panicked");
        let handler = |_| async { panic!("in a handler") };
        drop(one.idempotency.run(one.call(&AT_MOST_ONCE, "key"), handler, panicked).await);
        one.assert_counted(&["idem_calls_total {} outcome=executed result=panicked 1"]);
    }
}

#[test]
fn each_outcome_of_a_duplicate_is_one_increment() {
    alone! {
        let one = Scenario::new("replayed");
        one.succeed().await;
        increases();
        one.succeed().await;
        let prevented = "idem_duplicates_prevented_total {} 1";
        one.assert_counted(&["idem_calls_total {} outcome=replayed result= 1", prevented]);

        let one = Scenario::new("key-reused");
        let about = |text: &str| {
            let input = FingerprintInput::of(text).unwrap();
            one.call(&AT_MOST_ONCE, "key").with_fingerprint(one.idempotency.fingerprint_input(&input))
        };
        one.run(about("this"), 201, Outcome::Final).await;
        increases();
        one.run(about("that"), 201, Outcome::Final).await;
        one.assert_counted(&["idem_calls_total {} outcome=key-reused result= 1"]);

        let one = Scenario::new("in-progress");
        let _end = one.start(&AT_MOST_ONCE).await;
        increases();
        one.succeed().await;
        one.assert_counted(&["idem_calls_total {} outcome=in-progress result= 1", prevented]);

        let one = Scenario::new("outcome-unknown");
        let _lost = one.start(&AT_MOST_ONCE).await;
        one.store.advance_clock(AT_MOST_ONCE.lease);
        increases();
        one.succeed().await;
        one.assert_counted(&["idem_calls_total {} outcome=outcome-unknown result= 1"]);

        let one = Scenario::new("result-unavailable");
        let too_large = |_| async {
            let completion = Completion::NotRetained { status: 201 };
            Executed::new((), Outcome::Final, completion)
        };
        drop(one.idempotency.run(one.call(&AT_MOST_ONCE, "key"), too_large, panicked).await);
        increases();
        one.succeed().await;
        one.assert_counted(&["idem_calls_total {} outcome=result-unavailable result= 1"]);
    }
}

#[test]
fn each_refusal_without_a_record_is_one_increment() {
    alone! {
        let limited = |operation| Scenario::with(operation, |builder| builder.max_runs(1));
        let one = limited("too-many-runs");
        let _end = one.start(&AT_MOST_ONCE).await;
        increases();
        one.run(one.call(&AT_MOST_ONCE, "other"), 201, Outcome::Final).await;
        one.assert_counted(&["idem_calls_total {} outcome=too-many-runs result= 1"]);

        let one = Scenario::with("too-many-keys", |it| it.keys_per_scope(1.try_into().unwrap()));
        one.succeed().await;
        increases();
        one.run(one.call(&AT_MOST_ONCE, "other"), 201, Outcome::Final).await;
        one.assert_counted(&["idem_calls_total {} outcome=too-many-keys result= 1"]);

        let one = Scenario::new("store-unavailable");
        let _ = one.idempotency.drain(Duration::ZERO).await;
        increases();
        one.succeed().await;
        one.assert_counted(&["idem_calls_total {} outcome=store-unavailable result= 1"]);

        let refusals = [
            ("key-missing", Rejection::KeyMissing),
            ("key-invalid", KeyError::Blank.into()),
            ("body-too-large", Rejection::BodyTooLarge),
            ("internal-error", Rejection::ScopeEmpty),
        ];
        for (slug, rejection) in refusals {
            let one = Scenario::new(slug);
            increases();
            one.idempotency.refuse(&AT_MOST_ONCE, &[one.operation], &Refusal::from(rejection));
            one.assert_counted(&[&format!("idem_calls_total {{}} outcome={slug} result= 1")]);
        }
    }
}

#[test]
fn runs_that_need_a_person_are_counted() {
    alone! {
        let one = Scenario::new("given-up");
        increases();
        let never = |_| std::future::pending();
        drop(one.idempotency.run(one.call(&LIMITED_RUN, "key"), never, panicked).await);
        // The thread that renews leases cancels the run, then counts it, and then records its outcome.
        let operation = Operation::named(one.operation);
        let key = IdempotencyKey::new("key").unwrap();
        let (scope, limit) = (Scope::of("acme"), Duration::from_secs(60));
        let recorded = one.idempotency.status(&operation, scope, &key, limit).await;
        assert!(matches!(recorded, Ok(KeyStatus::Unknown { .. })), "{recorded:?}");
        one.assert_counted(&[
            "idem_calls_total {} outcome=outcome-unknown result= 1",
            "idem_timed_out_total {} reason=timed-out 1",
        ]);

        let one = Scenario::new("late");
        let end = one.start(&AT_LEAST_ONCE).await;
        one.store.advance_clock(AT_LEAST_ONCE.lease);
        one.run(one.call(&AT_LEAST_ONCE, "key"), 201, Outcome::Final).await;
        increases();
        end.send(()).unwrap();
        let _ = one.idempotency.drain(Duration::from_secs(60)).await;
        // The client of the late run gets the accepted response, but its run was not prevented.
        one.assert_counted(&[
            "idem_calls_total {} outcome=replayed result= 1",
            "idem_late_completions_total {} 1",
        ]);
    }
}

#[test]
fn names_of_operations_are_bounded() {
    alone! {
        let one = Scenario::new("first");
        for n in 0..1_010 {
            let operation = format!("GET /{n}");
            one.idempotency.refuse(&AT_MOST_ONCE, &[&operation], &Rejection::KeyMissing.into());
        }
        let increases = increases();
        let named = increases.keys().filter(|name| name.contains("operation=GET /")).count();
        assert_eq!(named, 1_000);
        let other = "idem_calls_total operation=other outcome=key-missing result=";
        assert_eq!(increases.get(other), Some(&10));
    }
}

/// A scenario for gauges and histograms, whose values depend on time.
#[test]
fn gauges_are_sampled_and_everything_is_described() {
    alone! {
        let metrics = Metrics::new();
        let store = MemoryStore::new();
        let idempotency = Idempotency::builder(store.clone()).observer(metrics.clone()).build();
        let one = Scenario { operation: "sampled", idempotency, store };
        let _lost = one.start(&AT_MOST_ONCE).await;
        metrics.sample(&one.idempotency).await;
        one.store.advance_clock(AT_MOST_ONCE.lease);
        metrics.count_unknown(&one.idempotency).await.unwrap();
        let snapshot = RECORDER.snapshot().into_vec();
        let gauge = |name: &str, label: Option<&str>| {
            snapshot.iter().find_map(|(key, _, _, value)| match value {
                DebugValue::Gauge(value)
                    if key.key().name() == name
                        && label.is_none_or(|label| {
                            key.key().labels().any(|it| it.value() == label)
                        }) =>
                {
                    Some(value.0)
                }
                _ => None,
            })
        };
        assert_eq!(gauge("idem_running", None), Some(1.0));
        assert_eq!(gauge("idem_waiting", None), Some(0.0));
        assert_eq!(gauge("idem_unsettled", None), Some(0.0));
        assert_eq!(gauge("idem_store_healthy", Some("memory")), Some(1.0));
        assert_eq!(gauge("idem_unknown", Some("sampled")), Some(1.0));
        for (key, _, description, value) in &snapshot {
            let known = METRICS.iter().find(|metric| metric.name == key.key().name()).unwrap();
            assert!(description.is_some(), "{key:?}");
            let kind = match value {
                DebugValue::Counter(_) => Kind::Counter,
                DebugValue::Gauge(_) => Kind::Gauge,
                DebugValue::Histogram(_) => Kind::Histogram,
            };
            let labels: Vec<_> = key.key().labels().map(metrics::Label::key).collect();
            assert_eq!((kind, &labels[..]), (known.kind, known.labels), "{}", known.name);
        }

        one.store.advance_clock(AT_MOST_ONCE.hold);
        metrics.count_unknown(&one.idempotency).await.unwrap();
        let snapshot = RECORDER.snapshot().into_vec();
        let left = snapshot.iter().find(|(key, ..)| key.key().name() == "idem_unknown").unwrap();
        assert!(matches!(left.3, DebugValue::Gauge(value) if value.0 == 0.0));
    }
}
