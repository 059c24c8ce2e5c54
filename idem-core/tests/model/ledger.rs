//! What really happened to a key, outside of the store: the judge of the invariants.

use idem_core::Guarantee;
use idem_core::state_machine::Slot;
use idem_core::store::{FencingToken, State};

use crate::store::{Actor, LEASE, MAX_ATTEMPTS, Message, NOW, Op, TTL, actor_of, result};

/// The promises of RELIABILITY section 3 that are judged at the moment they are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invariant {
    /// I1: only who won a claim starts, and between two releases at most one run or, under at least once,
    /// as many as attempts are allowed.
    Starts,
    /// I2: at most one result is accepted.
    Results,
    /// I3: no run starts after a result was accepted, or was shown as a success.
    Reruns,
    /// I4: every answer after acceptance is the accepted one.
    Answers,
    /// I5: fencing tokens grow.
    Fences,
    /// I6: an answer stays under the key it was given for.
    Scope,
    /// I7: nothing is accepted that did not run.
    Inventions,
}

/// A set of actors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Actors(u8);

impl Actors {
    fn insert(&mut self, actor: Actor) {
        self.0 |= 1 << actor;
    }

    fn contains(self, actor: Actor) -> bool {
        self.0 & 1 << actor != 0
    }
}

/// Judges one key. A window is the time from a first claim until its record may be forgotten, counted
/// here anew, so that a store that forgets too early is caught.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ledger {
    window: Window,
    until: u64,
    last_fence: Option<FencingToken>,
    won: Actors,
    started: Actors,
    may_free: Actors,
    pub(crate) broken: Option<Invariant>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Window {
    owners: Actors,
    starts: u32,
    accepted: Option<Actor>,
    shown: Option<Actor>,
}

impl Ledger {
    /// Whether a run started whose end, as far as anybody knows, must be on record.
    pub(crate) fn owes_record(&self) -> bool {
        self.window.starts > 0 && NOW < self.until
    }

    /// A handler is polled for the first time.
    ///
    /// Under at least once a pause between the claim and this moment can be longer than the lease. That
    /// is an overlap, which P4 allows, and no start after acceptance.
    pub(crate) fn started(&mut self, actor: Actor, guarantee: Guarantee) {
        self.started.insert(actor);
        self.require(self.won.contains(actor), Invariant::Starts);
        if !self.window.owners.contains(actor) {
            return;
        }
        self.window.starts += 1;
        let (most, sealed) = match guarantee {
            Guarantee::AtMostOnce => (1, self.window.accepted.is_some()),
            Guarantee::AtLeastOnce => (MAX_ATTEMPTS, false),
        };
        self.require(self.window.starts <= most, Invariant::Starts);
        self.require(!sealed, Invariant::Reruns);
    }

    /// A run ended in a way that permits another.
    pub(crate) fn may_free(&mut self, actor: Actor) {
        self.may_free.insert(actor);
    }

    /// A client is shown the answer of its own run, before or after the store took it.
    pub(crate) fn showed(&mut self, actor: Actor, stored: bool) {
        self.require(!stored || self.window.accepted == Some(actor), Invariant::Answers);
        if self.window.owners.contains(actor) {
            self.window.shown = Some(actor);
        }
    }

    /// A client is shown the answer of another run.
    pub(crate) fn replayed(&mut self, answer: Actor) {
        self.require(self.started.contains(answer), Invariant::Scope);
        self.require(self.window.accepted == Some(answer), Invariant::Answers);
    }

    /// A message changed the slot. If the clock `went_back`, the fencing tokens of a key that was deleted
    /// meanwhile promise nothing.
    pub(crate) fn changed(
        &mut self,
        by: Message,
        before: Option<&Slot>,
        after: Option<&Slot>,
        went_back: bool,
    ) {
        match (before, after) {
            (Some(old), None) => self.freed(by, actor_of(old)),
            (None, None) => {}
            // Gives a takeover back, and promises nothing anew.
            (Some(_), Some(_)) if matches!(by.op, Op::Abandon) => {}
            (Some(old), Some(new)) if same_claim(old, new) => self.moved(old, new),
            (old, Some(new)) => self.acquired(by.actor, old, new, went_back),
        }
    }

    fn freed(&mut self, by: Message, holder: Actor) {
        let rightly = match by.op {
            Op::Release(_) => self.may_free.contains(by.actor),
            Op::Abandon => self.window.starts == 0,
            _ => false,
        };
        if rightly && holder == by.actor {
            self.window = Window::default();
        }
    }

    fn moved(&mut self, old: &Slot, new: &Slot) {
        self.until = NOW + TTL;
        match result(&new.record.state) {
            Some(answer) if result(&old.record.state) != Some(answer) => self.accepted(answer),
            None if new.record.state == State::Running => self.until += LEASE,
            _ => {}
        }
    }

    fn accepted(&mut self, answer: Actor) {
        self.require(self.window.owners.contains(answer), Invariant::Results);
        self.require(self.window.accepted.is_none(), Invariant::Results);
        self.require(self.started.contains(answer), Invariant::Inventions);
        self.require(self.window.shown.is_none_or(|shown| shown == answer), Invariant::Answers);
        self.window.accepted = Some(answer);
    }

    fn acquired(&mut self, actor: Actor, old: Option<&Slot>, new: &Slot, went_back: bool) {
        let token = new.record.token;
        self.require(
            self.last_fence.is_none_or(|last| match old {
                Some(_) => token > last,
                // Within a microsecond after a release the clock may say the same.
                None => token >= last || went_back,
            }),
            Invariant::Fences,
        );
        self.last_fence = Some(token);
        if NOW >= self.until {
            self.window = Window::default();
        }
        self.require(
            self.window.accepted.is_none() && self.window.shown.is_none(),
            Invariant::Reruns,
        );
        self.won.insert(actor);
        self.window.owners.insert(actor);
        self.until = NOW + LEASE + TTL;
    }

    pub(crate) fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        self.until = shift(self.until);
        self.last_fence = self.last_fence.map(|FencingToken(token)| FencingToken(shift(token)));
    }

    /// A window that cannot come back is over.
    pub(crate) fn purge(&mut self, past: u64) {
        if self.until <= past {
            self.window = Window::default();
        }
    }

    fn require(&mut self, holds: bool, invariant: Invariant) {
        if !holds && self.broken.is_none() {
            self.broken = Some(invariant);
        }
    }
}

fn same_claim(old: &Slot, new: &Slot) -> bool {
    (old.record.nonce, old.record.token) == (new.record.nonce, new.record.token)
}
