//! The model: processes, the store that they share, and the faults of both.
//!
//! Without a fault, the store applies a message when it is sent, and the reply arrives immediately. A slow
//! message is covered too, because it has the effect of a message that is sent later. Every other
//! delivery is a fault. The number of faults is limited.

use std::collections::BTreeSet;

use idem_core::state_machine::Timestamp;
use idem_core::store::FencingToken;
use stateright::{Model, Property};

use crate::fault::{DELIVERIES, Fault};
use crate::handlers::Handlers;
use crate::history::History;
use crate::mutation::Mutation;
use crate::operator::{Errand, Operator};
use crate::process::{End, Phase, Response, Step, View};
use crate::properties;
use crate::store::{Ending, LEASE, Message, NOW, Op, ProcessId, StoredSlot, TTL};

/// The length of a jump of the store's clock. It is shorter than `ttl`.
pub(crate) const JUMP: u64 = TTL - 1;

/// The index of the key whose record the operator resolves.
pub(crate) const OPERATED: usize = 0;

/// The parameters of one check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) handlers: Handlers,
    pub(crate) keys: usize,
    pub(crate) processes: usize,
    /// The number of faults: a [`Fault`], a crash or a clock jump.
    pub(crate) faults: u8,
    /// The number of resolutions by the operator.
    pub(crate) resolutions: u8,
    pub(crate) mutation: Option<Mutation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ModelState {
    pub(crate) faults: u8,
    pub(crate) went_back: bool,
    pub(crate) keys: Vec<Key>,
    pub(crate) processes: Vec<Process>,
    pub(crate) operator: Operator,
    /// Messages that arrive later or never.
    pub(crate) delayed: BTreeSet<Message>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) stored: StoredSlot,
    pub(crate) history: History,
}

impl Key {
    pub(crate) fn token(&self) -> Option<FencingToken> {
        self.stored.0.as_ref().map(|slot| slot.record.token)
    }
}

/// A process with one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) key: usize,
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The next process begins with a claim of a key.
    Begin(ProcessId, usize, Option<Fault>),
    Step(ProcessId, Step, Option<Fault>),
    /// A step of the operator. Its message arrives once, or again later.
    Operate(Errand, Option<Fault>),
    Deliver(Message),
    Crash(ProcessId),
    /// The clock advances by one tick.
    Tick,
    JumpForward,
    JumpBack,
}

impl Model for Setup {
    type State = ModelState;
    type Action = Action;

    fn init_states(&self) -> Vec<ModelState> {
        vec![ModelState {
            faults: self.faults,
            went_back: false,
            keys: vec![Key::default(); self.keys],
            processes: vec![Process::default(); self.processes],
            operator: Operator::new(self.resolutions),
            delayed: BTreeSet::new(),
        }]
    }

    fn actions(&self, state: &ModelState, actions: &mut Vec<Action>) {
        for (id, process) in (0..).zip(&state.processes) {
            let steps = state.steps(self, id, *process);
            actions.extend(steps.flat_map(|step| {
                state.deliveries(*process, step).map(move |fault| Action::Step(id, step, fault))
            }));
            if state.faults > 0 && process.phase.is_active() {
                actions.push(Action::Crash(id));
            }
        }
        self.begin_actions(state, actions);
        state.operator_actions(actions);
        actions.extend(state.delayed.iter().copied().map(Action::Deliver));
        actions.push(Action::Tick);
        if state.faults > 0 {
            actions.push(Action::JumpForward);
            actions.extend((!state.went_back).then_some(Action::JumpBack));
        }
    }

    fn next_state(&self, last: &ModelState, action: Action) -> Option<ModelState> {
        let mut state = last.clone();
        state.act(self, action);
        state.normalize_times();
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

impl Setup {
    /// Adds the start of the next process. All processes are equal, so they begin in order.
    fn begin_actions(&self, state: &ModelState, actions: &mut Vec<Action>) {
        let Some(next) = state.processes.iter().position(|process| process.phase == Phase::Idle)
        else {
            return;
        };
        for key in 0..self.keys {
            let deliveries = state.deliveries(state.processes[next], Step::SendClaim);
            actions.extend(deliveries.map(|fault| Action::Begin(next as ProcessId, key, fault)));
        }
    }
}

impl ModelState {
    fn steps(
        &self,
        setup: &Setup,
        id: ProcessId,
        process: Process,
    ) -> impl Iterator<Item = Step> + use<> {
        let key = &self.keys[process.key];
        let lapsed = key.stored.0.as_ref().is_none_or(|slot| slot.lapsed(Timestamp(NOW)));
        let view = View {
            process: id,
            recovers: setup.handlers.recovers(id),
            may_lose_lease: setup.handlers.may_be_replaced(id) && lapsed,
            effect_of: key.history.effect_of(),
        };
        process.phase.steps(view).into_iter()
    }

    /// Adds the steps of the operator. It awaits no reply, so a message that is late or whose reply is lost is
    /// like one that is sent later.
    fn operator_actions(&self, actions: &mut Vec<Action>) {
        for errand in self.operator.steps(&self.keys[OPERATED]) {
            actions.push(Action::Operate(errand, None));
            if self.faults > 0 && errand != Errand::Look {
                actions.push(Action::Operate(errand, Some(Fault::Repeated)));
            }
        }
    }

    fn deliveries(
        &self,
        process: Process,
        step: Step,
    ) -> impl Iterator<Item = Option<Fault>> + use<> {
        let may_fail = self.faults > 0 && process.phase.step(step).1.is_some();
        DELIVERIES.into_iter().take(if may_fail { DELIVERIES.len() } else { 1 })
    }

    fn act(&mut self, setup: &Setup, action: Action) {
        if self.uses_a_fault(action) {
            self.faults -= 1;
        }
        match action {
            Action::Begin(id, key, fault) => {
                self.processes[usize::from(id)].key = key;
                self.step(setup, id, Step::SendClaim, fault);
            }
            Action::Step(id, step, fault) => self.step(setup, id, step, fault),
            Action::Operate(errand, fault) => {
                let Some(message) = self.operator.act(errand, &mut self.keys[OPERATED]) else {
                    return;
                };
                if fault.is_some() {
                    self.delayed.insert(message);
                }
                self.apply(setup, message, false);
            }
            Action::Deliver(message) => {
                self.delayed.remove(&message);
                self.apply(setup, message, false);
            }
            Action::Crash(id) => self.processes[usize::from(id)].phase = Phase::Ended,
            Action::Tick => self.shift_times(|time| time.saturating_sub(1)),
            Action::JumpForward => self.shift_times(|time| time.saturating_sub(JUMP)),
            Action::JumpBack => {
                self.went_back = true;
                self.shift_times(|time| time + JUMP);
            }
        }
    }

    fn uses_a_fault(&self, action: Action) -> bool {
        match action {
            Action::Begin(.., fault) | Action::Step(.., fault) | Action::Operate(_, fault) => {
                fault.is_some()
            }
            Action::Crash(_) | Action::JumpForward | Action::JumpBack => true,
            Action::Deliver(_) | Action::Tick => false,
        }
    }
}

impl ModelState {
    fn step(&mut self, setup: &Setup, id: ProcessId, step: Step, fault: Option<Fault>) {
        let process = &mut self.processes[usize::from(id)];
        let history = &mut self.keys[process.key].history;
        match (step, process.phase) {
            (Step::Start, Phase::Acquired(grant)) => {
                history.record_start(id, grant.attempt, setup.handlers);
            }
            (Step::End(End::Release), _) => history.record_releasable_end(id),
            _ => {}
        }
        let injected = setup.mutation.and_then(|mutation| mutation.step(process.phase, step));
        let (phase, sent) = injected.unwrap_or_else(|| process.phase.step(step));
        process.phase = phase;
        let Some(op) = sent else { return };
        let message = Message { process: id, op };
        if let Some(Fault::Repeated | Fault::Delayed) = fault {
            self.delayed.insert(message);
        }
        if fault != Some(Fault::Delayed) {
            self.apply(setup, message, fault != Some(Fault::ReplyLost));
        }
        if let Some(Fault::ReplyLost | Fault::Delayed) = fault {
            self.lose_reply(setup, message);
        }
    }

    /// Applies a message to the store.
    fn apply(&mut self, setup: &Setup, message: Message, reply_arrives: bool) {
        let process = self.processes.get_mut(usize::from(message.process));
        let key = &mut self.keys[process.as_ref().map_or(OPERATED, |process| process.key)];
        let before = key.stored.0.clone();
        let (change, reply) = match setup.mutation {
            None => message.apply(before.as_ref(), setup.handlers),
            Some(mutation) => mutation.apply(message, before.as_ref(), setup.handlers),
        };
        key.stored.put(change);
        if key.stored.0 != before {
            key.history.record_change(
                message,
                before.as_ref(),
                key.stored.0.as_ref(),
                setup.handlers,
                self.went_back,
            );
        }
        let Some(process) = process.filter(|_| reply_arrives) else { return };
        if !process.phase.awaits_reply_to(message.op) {
            return;
        }
        let (phase, response) = process.phase.receive(&reply);
        process.phase = phase;
        match response {
            Some(Response::Stored(run)) if run == message.process => {
                key.history.record_own_response(run, true);
            }
            Some(Response::Stored(run) | Response::Replay(run)) => key.history.record_replay(run),
            None => {}
        }
    }

    /// The process gets no reply. Unless another run may start, the client still gets the response of its run.
    fn lose_reply(&mut self, setup: &Setup, message: Message) {
        let process = &mut self.processes[usize::from(message.process)];
        if !process.phase.awaits_reply_to(message.op) {
            return;
        }
        let is_early = setup.mutation == Some(Mutation::RespondsBeforeStored);
        let may_respond = is_early || !setup.handlers.may_be_replaced(message.process);
        if let (true, Op::Complete(_, Ending::Result(run))) = (may_respond, message.op) {
            self.keys[process.key].history.record_own_response(run, false);
        }
        process.phase = process.phase.lose_reply();
    }

    /// Whether the process still runs, or one of its messages can still arrive.
    pub(crate) fn is_active(&self, id: ProcessId) -> bool {
        self.processes[usize::from(id)].phase != Phase::Ended
            || self.delayed.iter().any(|message| message.process == id)
    }

    /// The time at which every lease is over, including leases from before the clock went back.
    pub(crate) fn end_of_all_leases(&self) -> u64 {
        NOW + LEASE + if self.went_back { JUMP } else { 0 }
    }
}
