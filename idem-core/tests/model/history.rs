//! The history of a key, recorded outside of the store. Each change is checked against the invariants.

use idem_core::Guarantee;
use idem_core::state_machine::Slot;
use idem_core::store::{FencingToken, State};

use crate::store::{LEASE, MAX_ATTEMPTS, Message, NOW, Op, ProcessId, TTL, completed_by, owner_of};

/// The invariants of docs/guarantees.md#invariants that are checked when a change may violate them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invariant {
    /// Only a process that acquired the key starts. Between two releases at most one run starts, or at most
    /// `max_attempts` under at least once.
    BoundedStarts,
    /// At most one result is accepted.
    OneAcceptedResult,
    /// No run starts after a result was accepted or returned to its client.
    NoStartAfterAcceptance,
    /// Every response after acceptance is the accepted one.
    EqualReplays,
    /// Each new owner has a higher fencing token.
    GrowingFencingTokens,
    /// A response is returned only under the key it was stored for.
    RepliesStayInTheirScope,
    /// No result is accepted unless the handler ran.
    NoResultWithoutARun,
}

/// A set of processes, as a bit mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct ProcessSet(u8);

impl ProcessSet {
    fn insert(&mut self, process: ProcessId) {
        self.0 |= 1 << process;
    }

    fn contains(self, process: ProcessId) -> bool {
        self.0 & 1 << process != 0
    }
}

/// The history of one key.
///
/// A window is the time from a first claim until its record may expire. Its end is computed here and not
/// read from the store, so that a record that expires too early is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    window: Window,
    window_end: u64,
    last_token: Option<FencingToken>,
    acquired: ProcessSet,
    started: ProcessSet,
    may_release: ProcessSet,
    /// The first invariant that was violated.
    pub(crate) violated: Option<Invariant>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Window {
    owners: ProcessSet,
    starts: u32,
    accepted: Option<ProcessId>,
    /// The process that returned its own response to its client.
    returned: Option<ProcessId>,
}

impl History {
    /// Whether a run started in the current window. Its record must then exist.
    pub(crate) fn requires_record(&self) -> bool {
        self.window.starts > 0 && NOW < self.window_end
    }

    /// Records that a handler is polled for the first time.
    ///
    /// Under at least once, a process can pause for longer than its lease before that. Its run then
    /// overlaps with another, as docs/guarantees.md#at-least-once permits, and may start after acceptance.
    pub(crate) fn record_start(&mut self, process: ProcessId, guarantee: Guarantee) {
        self.started.insert(process);
        self.require(self.acquired.contains(process), Invariant::BoundedStarts);
        if !self.window.owners.contains(process) {
            return;
        }
        self.window.starts += 1;
        let (most, too_late) = match guarantee {
            Guarantee::AtMostOnce => (1, self.window.accepted.is_some()),
            _ => (MAX_ATTEMPTS, false),
        };
        self.require(self.window.starts <= most, Invariant::BoundedStarts);
        self.require(!too_late, Invariant::NoStartAfterAcceptance);
    }

    /// Records that a run ended in a way that permits another run.
    pub(crate) fn record_releasable_end(&mut self, process: ProcessId) {
        self.may_release.insert(process);
    }

    /// Records that a client gets the response of its own run, `stored` or not.
    pub(crate) fn record_own_response(&mut self, process: ProcessId, stored: bool) {
        self.require(!stored || self.window.accepted == Some(process), Invariant::EqualReplays);
        if self.window.owners.contains(process) {
            self.window.returned = Some(process);
        }
    }

    /// Records that a client gets the response of the run of `process`.
    pub(crate) fn record_replay(&mut self, process: ProcessId) {
        self.require(self.started.contains(process), Invariant::RepliesStayInTheirScope);
        self.require(self.window.accepted == Some(process), Invariant::EqualReplays);
    }

    /// Records that a message changed the slot.
    ///
    /// If the clock `went_back`, a key that was deleted in the meantime may get a lower fencing token.
    pub(crate) fn record_change(
        &mut self,
        by: Message,
        before: Option<&Slot>,
        after: Option<&Slot>,
        went_back: bool,
    ) {
        match (before, after) {
            (Some(old), None) => self.deleted(by, owner_of(old)),
            (None, None) => {}
            // Gives back a takeover. The window does not become longer.
            (Some(_), Some(_)) if matches!(by.op, Op::Abandon) => {}
            (Some(old), Some(new)) if same_claim(old, new) => self.updated(old, new),
            (old, Some(new)) => self.acquired(by.process, old, new, went_back),
        }
    }

    fn deleted(&mut self, by: Message, owner: ProcessId) {
        let permitted = match by.op {
            Op::Release(_) => self.may_release.contains(by.process),
            Op::Abandon => self.window.starts == 0,
            _ => false,
        };
        if permitted && owner == by.process {
            self.window = Window::default();
        }
    }

    fn updated(&mut self, old: &Slot, new: &Slot) {
        self.window_end = NOW + TTL;
        match completed_by(&new.record.state) {
            Some(process) if completed_by(&old.record.state) != Some(process) => {
                self.accepted(process);
            }

            None if new.record.state == State::Running => self.window_end += LEASE,
            _ => {}
        }
    }

    fn accepted(&mut self, process: ProcessId) {
        self.require(self.window.owners.contains(process), Invariant::OneAcceptedResult);
        self.require(self.window.accepted.is_none(), Invariant::OneAcceptedResult);
        self.require(self.started.contains(process), Invariant::NoResultWithoutARun);
        let returned = self.window.returned;
        self.require(returned.is_none_or(|other| other == process), Invariant::EqualReplays);
        self.window.accepted = Some(process);
    }

    fn acquired(&mut self, process: ProcessId, old: Option<&Slot>, new: &Slot, went_back: bool) {
        let token = new.record.token;
        self.require(
            self.last_token.is_none_or(|last| match old {
                Some(_) => token > last,
                // A claim within the same microsecond as a release can get the same token.
                None => token >= last || went_back,
            }),
            Invariant::GrowingFencingTokens,
        );
        self.last_token = Some(token);
        if NOW >= self.window_end {
            self.window = Window::default();
        }
        self.require(
            self.window.accepted.is_none() && self.window.returned.is_none(),
            Invariant::NoStartAfterAcceptance,
        );
        self.acquired.insert(process);
        self.window.owners.insert(process);
        self.window_end = NOW + LEASE + TTL;
    }

    pub(crate) fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        self.window_end = shift(self.window_end);
        self.last_token = self.last_token.map(|FencingToken(token)| FencingToken(shift(token)));
    }

    /// Forgets a window that ended at `past` or before, because the clock cannot go back into it.
    pub(crate) fn purge(&mut self, past: u64) {
        if self.window_end <= past {
            self.window = Window::default();
        }
    }

    fn require(&mut self, holds: bool, invariant: Invariant) {
        if !holds && self.violated.is_none() {
            self.violated = Some(invariant);
        }
    }
}

fn same_claim(old: &Slot, new: &Slot) -> bool {
    (old.record.nonce, old.record.token) == (new.record.nonce, new.record.token)
}
