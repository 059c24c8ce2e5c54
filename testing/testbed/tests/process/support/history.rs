//! What clients saw and what handlers did, held to the invariants of RELIABILITY section 3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use bytes::Bytes;
use nix::time::{ClockId, clock_gettime};
use testbed::ledger::{Event, What};

use super::Response;

/// All that happened in a test.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Vec<Invocation>>);

/// What a client wants, however often it asks: a note belongs to one key of one scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Intent {
    pub(crate) path: String,
    pub(crate) note: String,
}

#[derive(Debug)]
struct Invocation {
    intent: Intent,
    /// `None`: nobody knows what became of it.
    reply: Option<Reply>,
}

#[derive(Debug)]
struct Reply {
    at: i64,
    status: u16,
    replayed: bool,
    body: Bytes,
}

impl Reply {
    /// Whether it is a handler's word that it did nothing: unlike the toolkit's, it says no problem.
    fn releases(&self) -> bool {
        matches!(self.status, 401 | 403 | 407 | 408 | 421 | 425 | 429 | 503)
            && !self.body.starts_with(b"{\"type\"")
    }
}

/// An invocation under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent(usize);

/// How often a handler may be entered under one key.
const MAX_ATTEMPTS: usize = 3;

impl History {
    pub(super) fn begin(&self, intent: &Intent) -> Sent {
        let mut all = self.0.lock().unwrap();
        all.push(Invocation { intent: intent.clone(), reply: None });
        Sent(all.len() - 1)
    }

    pub(super) fn end(&self, Sent(invocation): Sent, answer: Option<&Response>) {
        self.0.lock().unwrap()[invocation].reply = answer.map(|answer| Reply {
            at: now(),
            status: answer.status,
            replayed: answer.is_replay(),
            body: answer.body.clone(),
        });
    }

    /// Holds every key to the invariants, given the ledger beside all stores.
    pub(super) fn check(&self, ledger: &[Event]) {
        let mut events: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in ledger {
            events.entry(&event.note).or_default().push(event);
        }
        let invocations = self.0.lock().unwrap();
        let mut keys: BTreeMap<&Intent, Vec<&Invocation>> = BTreeMap::new();
        for invocation in invocations.iter() {
            keys.entry(&invocation.intent).or_default().push(invocation);
        }
        for (intent, invocations) in keys {
            let events = events.get(intent.note.as_str()).cloned().unwrap_or_default();
            Key { intent, invocations, events }.check();
        }
    }
}

/// The sum of a ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) attempts: usize,
    pub(crate) effects: usize,
    /// Effects beyond the first of their note.
    pub(crate) duplicates: usize,
}

impl Tally {
    pub(super) fn of(ledger: &[Event]) -> Self {
        let of = |what| ledger.iter().filter(move |event| event.what == what);
        let (attempts, effects) = (of(What::Attempt).count(), of(What::Effect).count());
        let notes: BTreeSet<_> = of(What::Effect).map(|event| &event.note).collect();
        Self { attempts, effects, duplicates: effects - notes.len() }
    }
}

/// What the lines of a ledger say.
pub(super) fn events(ledger: &str) -> Vec<Event> {
    let lines = ledger.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All that happened under one key.
#[derive(Debug)]
struct Key<'a> {
    intent: &'a Intent,
    invocations: Vec<&'a Invocation>,
    events: Vec<&'a Event>,
}

impl Key<'_> {
    fn check(&self) {
        self.runs_are_bounded();
        self.fences_differ();
        self.accepted_answers_are_one();
        self.nothing_runs_after_acceptance();
        self.success_has_a_run();
        self.effects_have_runs();
    }

    fn of(&self, what: What) -> impl Iterator<Item = &&Event> {
        self.events.iter().filter(move |event| event.what == what)
    }

    /// What stands: successes and replays. The rest is a refusal, or was not kept.
    fn accepted(&self) -> impl Iterator<Item = &Reply> {
        let replies = self.invocations.iter().filter_map(|invocation| invocation.reply.as_ref());
        replies.filter(|reply| reply.replayed || reply.status < 300)
    }

    /// I1: between two releases one run starts, or under at least once a few. `/release` and transactions
    /// release by themselves.
    fn runs_are_bounded(&self) {
        let bound = match self.intent.path.as_str() {
            "/release" | "/tx-payments" => return,
            "/takeover" => MAX_ATTEMPTS,
            _ => 1,
        };
        let replies = self.invocations.iter().filter_map(|invocation| invocation.reply.as_ref());
        let releases = replies.filter(|reply| reply.releases()).count();
        let runs = self.of(What::Attempt).count();
        assert!(runs <= bound * (1 + releases), "I1: too many runs of {self:?}");
    }

    /// I5: no two runs of a key have the same.
    fn fences_differ(&self) {
        let of = |event: &&Event| event.execution.as_ref().map(|known| known.token);
        let mut fences: Vec<_> = self.of(What::Attempt).filter_map(of).collect();
        fences.sort_unstable();
        assert!(fences.is_sorted_by(|one, next| one < next), "I5: one token twice in {self:?}");
    }

    /// I2, I4
    fn accepted_answers_are_one(&self) {
        let mut accepted = self.accepted().map(|reply| (reply.status, &reply.body));
        let first = accepted.next();
        assert!(accepted.all(|other| Some(other) == first), "I2, I4: two answers to {self:?}");
    }

    /// I3
    fn nothing_runs_after_acceptance(&self) {
        let Some(accepted) = self.accepted().map(|reply| reply.at).min() else { return };
        let late = self.of(What::Attempt).any(|event| event.at > accepted);
        assert!(!late, "I3: a run after acceptance of {self:?}");
    }

    /// I7
    fn success_has_a_run(&self) {
        let ran = self.of(What::Attempt).count() > 0;
        assert!(ran || self.accepted().count() == 0, "I7: nothing ran for {self:?}");
    }

    /// A run has its effect once.
    fn effects_have_runs(&self) {
        let mut runs: Vec<_> = self.of(What::Effect).map(|event| &event.run).collect();
        runs.sort_unstable();
        let all = runs.len();
        runs.dedup();
        let entered = |run| self.of(What::Attempt).any(|event| event.run == run);
        let sound = runs.len() == all && runs.into_iter().all(|run| entered(run.as_str()));
        assert!(sound, "an effect without a run, or twice, in {self:?}");
    }
}

/// By the clock that the effects file has too.
fn now() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000
}
