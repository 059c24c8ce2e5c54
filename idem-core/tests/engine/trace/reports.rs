//! Each outcome leads to one event for observers and, unless the handler ran, to one log line.

use std::num::NonZeroU32;
use std::time::Duration;

use idem_core::http::{Call, Executed, FingerprintInput, Scope};
use idem_core::store::Completion;
use idem_core::{
    Idempotency, IdempotencyBuilder, IdempotencyKey, KeyError, MemoryStore, Outcome, Policy,
    Refusal, Rejection,
};

use super::log::{logged, start_log};
use crate::support::{
    AT_LEAST_ONCE, AT_MOST_ONCE, Events, Gate, LEASE, Service, ambiguous, broken_store, done,
    not_executed, panicking, watched,
};

/// A part of every key. It must not be in any event or log line.
const KEY: &str = "key-c0ffee";

static LIMITED_RUN: Policy = AT_MOST_ONCE.with_max_run(Duration::from_secs(1));

/// One outcome with its event and its log line.
struct Reported {
    /// The outcome and the result of the event.
    event: &'static str,
    status: u16,
    attempt: u32,
    /// The level of the log line. `None` if the span is all that is logged.
    level: Option<&'static str>,
    /// Whether the record is known.
    has_record: bool,
}

const fn ran(event: &'static str, status: u16) -> Reported {
    Reported { event, status, attempt: 1, level: None, has_record: true }
}

const fn without_run(event: &'static str, status: u16, level: &'static str) -> Reported {
    Reported { event, status, attempt: 0, level: Some(level), has_record: true }
}

/// A service with one operation, whose name is that of the scenario.
struct Scenario {
    name: &'static str,
    service: Service,
    store: MemoryStore,
    events: Events,
}

impl Scenario {
    fn new(name: &'static str) -> Self {
        Self::with(name, MemoryStore::new(), |builder| builder)
    }

    fn with(
        name: &'static str,
        store: MemoryStore,
        build: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        let events = Events::default();
        let builder = Idempotency::builder(store.clone()).observer(events.clone());
        Self { name, service: Service::with(build(builder).build()), store, events }
    }

    fn operation(&self) -> [&str; 2] {
        ["POST", self.name]
    }

    fn call_with(&self, policy: &'static Policy, key: &str) -> Call {
        let key = IdempotencyKey::new(format!("{KEY}-{key}")).unwrap();
        self.service.idempotency.call(policy, &self.operation(), Scope::global(), &key).unwrap()
    }

    fn call(&self) -> Call {
        self.call_with(&AT_MOST_ONCE, "one")
    }

    async fn run(
        &self,
        call: Call,
        handler: impl Future<Output = Executed<String>> + Send + 'static,
    ) {
        self.service.run(call, handler).await;
    }

    /// Starts a run that waits until the gate is open.
    async fn start(&self, policy: &'static Policy) -> Gate {
        let gate = Gate::default();
        let (service, call, running) =
            (self.service.clone(), self.call_with(policy, "one"), gate.then("first"));
        drop(tokio::spawn(async move { service.run(call, running).await }));
        gate.started().await;
        gate
    }

    fn refuse(&self, rejection: Rejection) {
        let refusal = Refusal::from(rejection);
        self.service.idempotency.refuse(&AT_MOST_ONCE, &self.operation(), &refusal);
    }

    /// Asserts that `expected` was reported once, as the last event.
    fn assert_reported(&self, expected: &Reported) {
        let operation = format!("POST {}", self.name);
        let last = self.events.with(&format!("call {operation} ")).pop().unwrap();
        let Reported { event, status, attempt, level, has_record } = expected;
        let start = format!("call {operation} {event} {status} attempt={attempt} ");
        let record = last.strip_prefix(&start).unwrap_or_else(|| panic!("{start}: {last}"));
        assert_eq!(record.len(), if *has_record { 64 } else { 1 }, "{last}");
        assert_eq!(self.events.with(&start).len(), 1, "{:?}", self.events.all());

        let outcome = event.split(' ').next().unwrap();
        let logged = logged();
        let is_line = |line: &&str| {
            line.contains(&format!("outcome=\"{outcome}\" operation=\"{operation}\""))
        };
        let lines: Vec<_> = logged.lines().filter(is_line).collect();
        let Some(level) = level else { return assert_eq!(lines, [""; 0]) };
        let [line] = lines[..] else { panic!("{operation}: {lines:?}") };
        assert!(line.contains(&format!(" {level} ")), "{level}: {line}");
        assert_eq!(line.contains(&format!("record={record}")), *has_record, "{line}");
        assert!(!logged.contains(KEY) && !last.contains(KEY));
    }
}

#[tokio::test]
async fn each_run_is_one_event_with_its_result() {
    start_log();
    let one = Scenario::new("/reports/success");
    one.run(one.call(), done("done")).await;
    one.assert_reported(&ran("executed success", 200));

    let one = Scenario::new("/reports/failed");
    one.run(one.call(), ambiguous("bad gateway")).await;
    one.assert_reported(&ran("executed failed", 502));

    let one = Scenario::new("/reports/declined");
    let declined = async {
        let completion = Completion::NotRetained { status: 402 };
        Executed::new(String::new(), Outcome::Final, completion)
    };
    one.run(one.call(), declined).await;
    one.assert_reported(&ran("executed failed", 402));

    let one = Scenario::new("/reports/panicked");
    one.run(one.call(), panicking()).await;
    one.assert_reported(&ran("executed panicked", 500));

    let one = Scenario::new("/reports/not-executed");
    one.run(one.call(), not_executed("slow down")).await;
    one.assert_reported(&ran("executed released", 429));

    let one = Scenario::new("/reports/released");
    one.run(one.call_with(&AT_LEAST_ONCE, "one"), ambiguous("bad gateway")).await;
    one.assert_reported(&ran("executed released", 502));
}

#[tokio::test]
async fn each_outcome_of_a_duplicate_is_one_event_and_one_line() {
    start_log();
    let one = Scenario::new("/reports/replayed");
    one.run(one.call(), done("done")).await;
    one.run(one.call(), done("again")).await;
    one.assert_reported(&without_run("replayed -", 200, "INFO"));

    let one = Scenario::new("/reports/key-reused");
    let about = |text: &str| {
        let input = FingerprintInput::of(text).unwrap();
        one.call().with_fingerprint(one.service.idempotency.fingerprint_input(&input))
    };
    one.run(about("this"), done("done")).await;
    one.run(about("that"), done("again")).await;
    one.assert_reported(&without_run("key-reused -", 422, "WARN"));

    let one = Scenario::new("/reports/in-progress");
    let gate = one.start(&AT_MOST_ONCE).await;
    one.run(one.call(), done("again")).await;
    one.assert_reported(&without_run("in-progress -", 409, "INFO"));
    gate.open();

    let one = Scenario::new("/reports/outcome-unknown");
    let _lost = one.start(&AT_MOST_ONCE).await;
    one.store.advance_clock(LEASE);
    one.run(one.call(), done("again")).await;
    one.assert_reported(&without_run("outcome-unknown -", 409, "WARN"));
    assert!(logged().lines().any(|line| {
        line.contains("/reports/outcome-unknown") && line.contains("reason=\"crashed\"")
    }));

    let one = Scenario::new("/reports/result-unavailable");
    let too_large = async {
        let completion = Completion::NotRetained { status: 201 };
        Executed::new(String::new(), Outcome::Final, completion)
    };
    one.run(one.call(), too_large).await;
    one.run(one.call(), done("again")).await;
    one.assert_reported(&without_run("result-unavailable -", 409, "WARN"));
}

#[tokio::test]
async fn each_outcome_of_a_request_without_a_run_is_one_event_and_one_line() {
    start_log();
    let one = Scenario::with("/reports/too-many-keys", MemoryStore::new(), |builder| {
        builder.keys_per_scope(NonZeroU32::MIN)
    });
    let in_scope = |key: &str| {
        let key = IdempotencyKey::new(key).unwrap();
        let scope = Scope::of("acme");
        one.service.idempotency.call(&AT_MOST_ONCE, &one.operation(), scope, &key).unwrap()
    };
    one.run(in_scope("one"), done("done")).await;
    one.run(in_scope("two"), done("done")).await;
    one.assert_reported(&without_run("too-many-keys -", 429, "WARN"));

    let one = Scenario::with("/reports/too-many-runs", MemoryStore::new(), |it| it.max_runs(1));
    let gate = one.start(&AT_MOST_ONCE).await;
    one.run(one.call_with(&AT_MOST_ONCE, "two"), done("done")).await;
    one.assert_reported(&without_run("too-many-runs -", 503, "WARN"));
    gate.open();

    let one = Scenario::new("/reports/draining");
    let _ = one.service.idempotency.drain(Duration::ZERO).await;
    one.run(one.call(), done("done")).await;
    one.assert_reported(&without_run("store-unavailable -", 503, "INFO"));

    let events = Events::default();
    let builder = Idempotency::builder(broken_store()).observer(events.clone());
    let (service, store) = (Service::with(builder.build()), MemoryStore::new());
    let one = Scenario { name: "/reports/store-unavailable", service, store, events };
    one.run(one.call(), done("done")).await;
    one.assert_reported(&without_run("store-unavailable -", 503, "ERROR"));

    let before_the_call = [
        ("/reports/key-missing", Rejection::KeyMissing, "key-missing -", 400, "INFO"),
        ("/reports/key-invalid", KeyError::Blank.into(), "key-invalid -", 400, "INFO"),
        ("/reports/body-too-large", Rejection::BodyTooLarge, "body-too-large -", 413, "INFO"),
        ("/reports/internal-error", Rejection::ScopeEmpty, "internal-error -", 500, "ERROR"),
    ];
    for (name, rejection, event, status, level) in before_the_call {
        let one = Scenario::new(name);
        one.refuse(rejection);
        one.assert_reported(&Reported { has_record: false, ..without_run(event, status, level) });
    }
}

/// The outcome of a run that was given up is that of its client's refusal. The run itself has an event of its own.
#[tokio::test]
async fn a_run_that_is_given_up_is_reported_with_its_operation() {
    start_log();
    let one = Scenario::new("/reports/given-up");
    one.run(one.call_with(&LIMITED_RUN, "one"), std::future::pending()).await;
    let refused = without_run("outcome-unknown -", 409, "WARN");
    one.assert_reported(&Reported { attempt: 1, ..refused });
    // The thread that renews leases cancels the run, and reports that after the client may have got its refusal.
    let reported = async {
        while one.events.with("given up").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    watched("the event of the run", reported).await;
    assert_eq!(one.events.with("given up"), ["given up POST /reports/given-up timed-out"]);
    let log = logged();
    let lines = log.lines().filter(|line| {
        line.contains("a run is given up") && line.contains("operation=\"POST /reports/given-up\"")
    });
    assert_eq!(lines.count(), 1);
}

#[tokio::test]
async fn a_safe_request_with_a_key_is_warned_about_once_per_operation() {
    start_log();
    let idempotency = Idempotency::new(MemoryStore::new());
    let send = |method, path, key: Option<&'static [u8]>| {
        let call = idempotency.call_for(
            &AT_MOST_ONCE,
            method,
            |_| key.into_iter(),
            || format!("{method} {path}"),
        );
        assert!(call.unwrap().is_none());
    };
    send("GET", "/safe/one", None);
    for _ in 0..3 {
        send("GET", "/safe/one", Some(KEY.as_bytes()));
        send("HEAD", "/safe/two", Some(KEY.as_bytes()));
    }
    let log = logged();
    let warnings = |operation: &str| {
        let operation = format!("operation=\"{operation}\"");
        log.lines().filter(|line| line.contains("safe method") && line.contains(&operation)).count()
    };
    assert_eq!((warnings("GET /safe/one"), warnings("HEAD /safe/two")), (1, 1));
    assert!(!log.contains(KEY));
}
