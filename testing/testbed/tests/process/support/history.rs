//! The responses of clients and the events of handlers, checked against the invariants of
//! `docs/guarantees.md#invariants`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use bytes::Bytes;
use nix::time::{ClockId, clock_gettime};
use testbed::ledger::{Event, EventKind};

use super::Response;

/// The requests of a test and their responses.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Vec<Invocation>>);

/// The payment that a client intends, independent of its attempts. A note belongs to one key of one scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Intent {
    pub(crate) path: String,
    pub(crate) note: String,
}

#[derive(Debug)]
struct Invocation {
    intent: Intent,
    /// The reply, or `None` if the client received none.
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
    /// Returns whether a handler reported that it had no effect. A refusal of idem has a problem document.
    fn releases(&self) -> bool {
        matches!(self.status, 401 | 403 | 407 | 408 | 421 | 425 | 429 | 503)
            && !self.replayed
            && !self.body.starts_with(b"{\"type\"")
    }
}

/// An invocation in progress.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent(usize);

/// The maximum number of handler entries under one key.
const MAX_ATTEMPTS: usize = 3;

impl History {
    pub(super) fn begin(&self, intent: &Intent) -> Sent {
        let mut all = self.0.lock().unwrap();
        all.push(Invocation { intent: intent.clone(), reply: None });
        Sent(all.len() - 1)
    }

    pub(super) fn end(&self, Sent(invocation): Sent, response: Option<&Response>) {
        self.0.lock().unwrap()[invocation].reply = response.map(|response| Reply {
            at: now(),
            status: response.status,
            replayed: response.is_replay(),
            body: response.body.clone(),
        });
    }

    /// Checks every key against the invariants, given the ledger file.
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

/// The totals of a ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) attempts: usize,
    pub(crate) effects: usize,
    /// The number of effects beyond the first of their note.
    pub(crate) duplicates: usize,
}

impl Tally {
    pub(super) fn of(ledger: &[Event]) -> Self {
        let of = |what| ledger.iter().filter(move |event| event.kind == what);
        let (attempts, effects) = (of(EventKind::Attempt).count(), of(EventKind::Effect).count());
        let notes: BTreeSet<_> = of(EventKind::Effect).map(|event| &event.note).collect();
        Self { attempts, effects, duplicates: effects - notes.len() }
    }
}

/// Parses the lines of a ledger.
pub(super) fn events(ledger: &str) -> Vec<Event> {
    let lines = ledger.lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The invocations and events of one key.
#[derive(Debug)]
struct Key<'a> {
    intent: &'a Intent,
    invocations: Vec<&'a Invocation>,
    events: Vec<&'a Event>,
}

impl Key<'_> {
    fn check(&self) {
        self.runs_are_bounded();
        self.fencing_tokens_differ();
        self.accepted_responses_are_equal();
        self.nothing_runs_after_acceptance();
        self.success_has_a_run();
        self.effects_have_runs();
    }

    fn of(&self, what: EventKind) -> impl Iterator<Item = &&Event> {
        self.events.iter().filter(move |event| event.kind == what)
    }

    /// Returns the accepted replies: successes and replays. All others are refusals or were not stored.
    fn accepted(&self) -> impl Iterator<Item = &Reply> {
        let replies = self.invocations.iter().filter_map(|invocation| invocation.reply.as_ref());
        replies.filter(|reply| reply.replayed || reply.status < 300)
    }

    /// Bounded starts: between two releases one run starts, or at most `MAX_ATTEMPTS` under at least once.
    /// `/release`, `/validated` and transactions free the key themselves. A run of `/recover` starts after the hook reported that
    /// nothing had happened; the tests compare the effects. A run that withdrew freed its key, also if its client left before
    /// the response.
    fn runs_are_bounded(&self) {
        let bound = match self.intent.path.as_str() {
            "/release" | "/tx-payments" | "/recover" | "/validated" => return,
            "/takeover" => MAX_ATTEMPTS,
            _ => 1,
        };
        let replies = self.invocations.iter().filter_map(|invocation| invocation.reply.as_ref());
        let releases = replies.filter(|reply| reply.releases()).count();
        let runs = self.of(EventKind::Attempt).count() - self.of(EventKind::Withdrawn).count();
        assert!(runs <= bound * (1 + releases), "bounded starts: too many runs of {self:?}");
    }

    /// Growing fencing tokens: no two runs of a key have the same token.
    fn fencing_tokens_differ(&self) {
        let of = |event: &&Event| event.execution.as_ref().map(|known| known.token);
        let mut tokens: Vec<_> = self.of(EventKind::Attempt).filter_map(of).collect();
        tokens.sort_unstable();
        assert!(
            tokens.is_sorted_by(|one, next| one < next),
            "growing fencing tokens: a token occurs twice in {self:?}"
        );
    }

    /// One accepted result and equal replays.
    fn accepted_responses_are_equal(&self) {
        let mut accepted = self.accepted().map(|reply| (reply.status, &reply.body));
        let first = accepted.next();
        assert!(
            accepted.all(|other| Some(other) == first),
            "one accepted result: two different results of {self:?}"
        );
    }

    /// No start after acceptance.
    fn nothing_runs_after_acceptance(&self) {
        let Some(accepted) = self.accepted().map(|reply| reply.at).min() else { return };
        let late = self.of(EventKind::Attempt).any(|event| event.at > accepted);
        assert!(!late, "no start after acceptance: a run started after the result of {self:?}");
    }

    /// No result without a run.
    fn success_has_a_run(&self) {
        let ran = self.of(EventKind::Attempt).count() > 0;
        assert!(
            ran || self.accepted().count() == 0,
            "no result without a run: nothing ran for {self:?}"
        );
    }

    /// A run has at most one effect.
    fn effects_have_runs(&self) {
        let mut runs: Vec<_> = self.of(EventKind::Effect).map(|event| &event.run).collect();
        runs.sort_unstable();
        let all = runs.len();
        runs.dedup();
        let entered = |run| self.of(EventKind::Attempt).any(|event| event.run == run);
        let sound = runs.len() == all && runs.into_iter().all(|run| entered(run.as_str()));
        assert!(sound, "an effect without a run, or two effects of one run, in {self:?}");
    }
}

/// Returns the time of the clock that the ledger file uses.
fn now() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000
}
