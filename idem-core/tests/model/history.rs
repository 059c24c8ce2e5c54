//! The history of a key, recorded outside of the store. Each change is checked against the invariants.

use idem_core::Guarantee;
use idem_core::state_machine::Slot;
use idem_core::store::{FencingToken, State};

use crate::handlers::Handlers;
use crate::invariant::Invariant;
use crate::process_set::ProcessSet;
use crate::store::{
    Decision, EARLIER_WINDOW, Ending, HOLD, LEASE, MAX_ATTEMPTS, Message, NOW, Op, ProcessId,
    RECHECK, TTL, completed_by, owner_of,
};

/// The history of one key.
///
/// A window is the time from a first claim until its record may expire. Its end is computed here and not
/// read from the store, so that a record that expires too early is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    window: Window,
    /// Whether the window has just ended.
    window_ended: bool,
    window_end: u64,
    lease_end: u64,
    /// The start of the silence of a lost run.
    silent_since: Option<u64>,
    last_token: Option<FencingToken>,
    acquired: ProcessSet,
    started: ProcessSet,
    may_release: ProcessSet,
    /// The process whose claim is current.
    owner: Option<ProcessId>,
    /// The attempt of the current claim, while it is in recovery.
    in_recovery: Option<u32>,
    /// Whether the operator has seen the current claim.
    seen_by_operator: bool,
    /// The invariants that were violated, as a bit mask.
    violated: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Window {
    owners: ProcessSet,
    starts: u32,
    /// The recoveries whose hook reported that nothing happened.
    resumes: u32,
    last_started: Option<ProcessId>,
    accepted: Option<ProcessId>,
    /// The process that returned its own response to its client.
    returned: Option<ProcessId>,
}

impl History {
    /// Whether a run started in the current window. Its record must then exist.
    pub(crate) fn requires_record(&self) -> bool {
        self.window.starts > 0 && NOW < self.window_end
    }

    pub(crate) fn violates(&self, invariant: Invariant) -> bool {
        self.violated & 1 << invariant as u16 != 0
    }

    /// The last run of the window that may have had an effect.
    pub(crate) fn effect_of(&self) -> Option<ProcessId> {
        self.window.last_started
    }

    /// Whether a run started after a recovery found that nothing had happened.
    pub(crate) fn is_run_again(&self) -> bool {
        self.window.resumes > 0 && self.window.starts > 1
    }

    /// Records that the operator reads the record.
    pub(crate) fn record_look(&mut self) {
        self.seen_by_operator = true;
    }

    /// Records that a handler is polled for the first time.
    ///
    /// Under at least once and with `recover`, a process can pause for longer than its lease before that. Its run
    /// then overlaps with another, as docs/guarantees.md#at-least-once permits, and may start after acceptance.
    pub(crate) fn record_start(&mut self, process: ProcessId, attempt: u32, handlers: Handlers) {
        let is_owner = self.owner == Some(process);
        let in_recovery = is_owner && self.in_recovery == Some(attempt);
        self.started.insert(process);
        self.require(self.acquired.contains(process), Invariant::BoundedStarts);
        self.require(!in_recovery, Invariant::NoStartInRecovery);
        if attempt == EARLIER_WINDOW || !self.window.owners.contains(process) {
            return;
        }
        self.window.starts += 1;
        self.window.last_started = Some(process);
        let is_accepted = self.window.accepted.is_some();
        let (most, too_late) = match handlers.guarantee {
            Guarantee::AtMostOnce if handlers.recovers(process) => {
                (1 + self.window.resumes, is_accepted && is_owner)
            }
            Guarantee::AtMostOnce => (1 + self.window.resumes, is_accepted),
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
        handlers: Handlers,
        went_back: bool,
    ) {
        match by.op {
            Op::Claim => {}
            Op::Resolve(..) => {
                self.require(self.seen_by_operator, Invariant::CurrentResolutions);
            }
            _ => self.require(self.owner == Some(by.process), Invariant::OldOwnersAreFenced),
        }
        match (before, after, by.op) {
            (None, None, _) => {}
            (Some(old), _, Op::Resolve(_, decision)) => self.resolved(decision, old, after),
            (Some(old), None, _) => self.deleted(by, owner_of(old)),
            // Gives back a takeover or a recovery. The window does not become longer.
            (Some(_), Some(_), Op::Abandon) => self.lease_end = NOW,
            (Some(old), Some(new), _) if same_claim(old, new) => self.updated(by, old, new),
            (old, Some(new), _) => self.acquired(by.process, old, new, handlers, went_back),
        }
        let silence = after.and_then(|slot| slot.record.extras.silence());
        let is_kept = silence.map(|silence| silence.since.0) == self.silent_since;
        self.require(is_kept, Invariant::SilenceIsKept);
    }

    fn deleted(&mut self, by: Message, owner: ProcessId) {
        let permitted = match by.op {
            Op::Release(_) => self.may_release.contains(by.process),
            Op::Abandon => self.window.starts == 0,
            _ => false,
        };
        if permitted && owner == by.process {
            self.end_window();
        }
        self.owner = None;
        self.end_silence();
    }

    fn end_window(&mut self) {
        self.window = Window::default();
        self.window_ended = true;
    }

    /// Whether the window has ended since the last call.
    pub(crate) fn take_window_ended(&mut self) -> bool {
        std::mem::take(&mut self.window_ended)
    }

    /// Records that the outcome of the lost run does not matter any more.
    fn end_silence(&mut self) {
        (self.in_recovery, self.silent_since) = (None, None);
    }

    fn resolved(&mut self, decision: Decision, old: &Slot, new: Option<&Slot>) {
        let is_live = old.record.state == State::Running && NOW < self.lease_end;
        self.require(!is_live, Invariant::CurrentResolutions);
        self.seen_by_operator = false;
        (self.owner, self.in_recovery) = (None, None);
        if let Some(new) = new {
            self.require(new.record.token > old.record.token, Invariant::GrowingFencingTokens);
            self.last_token = Some(new.record.token);
        }
        match decision {
            Decision::Complete(process) => {
                self.end_silence();
                self.window_end = NOW + TTL;
                self.accepted(process);
            }
            Decision::Hold => {
                self.silent_since = self.silent_since.or(Some(NOW));
                self.window_end = NOW + HOLD;
            }
            Decision::Release | Decision::Evict => {
                self.end_silence();
                self.end_window();
            }
        }
    }

    fn updated(&mut self, by: Message, old: &Slot, new: &Slot) {
        let keeps_result = completed_by(&new.record.state).is_some();
        self.require(keeps_result || self.window.accepted.is_none(), Invariant::OneAcceptedResult);
        match &new.record.state {
            State::Running => {
                if matches!(by.op, Op::ResumeRun(_)) && self.in_recovery.is_some() {
                    self.end_silence();
                    self.window.resumes += 1;
                }
                self.lease_end = NOW + LEASE;
                self.window_end = self.lease_end + HOLD;
            }
            State::Unknown(_) => {
                self.in_recovery = None;
                let is_quiet = matches!(by.op, Op::Complete(_, Ending::Inconclusive));
                self.silent_since = self.silent_since.or(Some(NOW));
                self.window_end = NOW + HOLD + if is_quiet { RECHECK } else { 0 };
            }
            state => {
                self.end_silence();
                self.window_end = NOW + TTL;
                match completed_by(state) {
                    Some(process) if completed_by(&old.record.state) != Some(process) => {
                        self.accepted(process);
                    }
                    _ => {}
                }
            }
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

    fn acquired(
        &mut self,
        process: ProcessId,
        old: Option<&Slot>,
        new: &Slot,
        handlers: Handlers,
        went_back: bool,
    ) {
        let token = new.record.token;
        self.require(
            self.last_token.is_none_or(|last| match old {
                Some(_) => token > last,
                // A claim within the same microsecond as a release can get the same token, or a lower one after several
                // claims within that microsecond.
                None => token >= last || last.0 > NOW || went_back,
            }),
            Invariant::GrowingFencingTokens,
        );
        self.last_token = Some(token);
        self.seen_by_operator = false;
        self.owner = Some(process);
        self.in_recovery = None;
        let is_over = NOW >= self.window_end;
        if is_over {
            self.end_window();
            self.silent_since = None;
        }
        self.require(
            self.window.accepted.is_none() && self.window.returned.is_none(),
            Invariant::NoStartAfterAcceptance,
        );
        let owner = old.filter(|_| !is_over).map(owner_of);
        if owner.is_some_and(|owner| handlers.may_recover(owner, process)) {
            self.in_recovery = Some(new.record.attempt);
            self.silent_since = self.silent_since.or(Some(self.lease_end));
        }
        self.acquired.insert(process);
        self.window.owners.insert(process);
        self.lease_end = NOW + LEASE;
        self.window_end = self.lease_end + HOLD;
    }

    pub(crate) fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        self.window_end = shift(self.window_end);
        self.lease_end = shift(self.lease_end);
        self.silent_since = self.silent_since.map(&shift);
        self.last_token = self.last_token.map(|FencingToken(token)| FencingToken(shift(token)));
    }

    /// Forgets a window that ended at `past` or before, because the clock cannot go back into it.
    pub(crate) fn purge(&mut self, past: u64) {
        if self.window_end <= past && self.window != Window::default() {
            self.end_window();
            self.owner = None;
            self.end_silence();
        }
    }

    fn require(&mut self, holds: bool, invariant: Invariant) {
        if !holds {
            self.violated |= 1 << invariant as u16;
        }
    }
}

fn same_claim(old: &Slot, new: &Slot) -> bool {
    (old.record.nonce, old.record.token) == (new.record.nonce, new.record.token)
}
