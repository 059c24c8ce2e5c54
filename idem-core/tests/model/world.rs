//! Processes, a store between them, and the faults that befall both.
//!
//! A request is applied at the moment it is sent, and answered. That loses nothing: one that takes its
//! time is like one that is sent later. What differs is a fault, and faults are counted.

use std::collections::BTreeSet;

use idem_core::Guarantee;
use idem_core::state_machine::Timestamp;
use stateright::{Model, Property};

use crate::actor::{End, Phase, Shown, Step};
use crate::ledger::Ledger;
use crate::mutation::Mutation;
use crate::properties;
use crate::store::{Actor, LEASE, Message, NOW, Op, Stored, TTL};

/// How far a jump of the server's clock goes: less than `ttl`.
const JUMP: u64 = TTL - 1;

/// What is checked, and how much of everything there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) guarantee: Guarantee,
    pub(crate) keys: usize,
    pub(crate) processes: usize,
    /// How many of [`Fault`], crashes and clock jumps there are, together.
    pub(crate) faults: u8,
    pub(crate) mutation: Option<Mutation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    faults: u8,
    went_back: bool,
    pub(crate) keys: Vec<Key>,
    processes: Vec<Process>,
    /// What will arrive some time, or never.
    late: BTreeSet<Message>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) stored: Stored,
    pub(crate) ledger: Ledger,
}

/// A process with one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Process {
    key: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Begin(Actor, usize, Option<Fault>),
    Step(Actor, Step, Option<Fault>),
    Arrive(Message),
    Crash(Actor),
    Tick,
    JumpForward,
    JumpBack,
}

/// What can befall a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is applied, and its answer is lost.
    ReplyLost,
    /// It is applied and answered, and arrives once more some time.
    Doubled,
    /// The process waits no longer for it, and it arrives some time.
    Late,
}

const FATES: [Option<Fault>; 4] =
    [None, Some(Fault::ReplyLost), Some(Fault::Doubled), Some(Fault::Late)];

impl Model for Setup {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            faults: self.faults,
            went_back: false,
            keys: vec![Key::default(); self.keys],
            processes: vec![Process::default(); self.processes],
            late: BTreeSet::new(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (actor, process) in (0..).zip(&world.processes) {
            let steps = world.steps(self, *process);
            actions.extend(steps.flat_map(|step| {
                world.fates(*process, step).map(move |fate| Action::Step(actor, step, fate))
            }));
            if world.faults > 0 && process.phase.is_under_way() {
                actions.push(Action::Crash(actor));
            }
        }
        self.beginnings(world, actions);
        actions.extend(world.late.iter().copied().map(Action::Arrive));
        actions.push(Action::Tick);
        if world.faults > 0 {
            actions.push(Action::JumpForward);
            actions.extend((!world.went_back).then_some(Action::JumpBack));
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        world.act(self, action);
        world.forget_the_past();
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self.guarantee)
    }
}

impl Setup {
    /// Processes are alike, so they begin in order.
    fn beginnings(&self, world: &World, actions: &mut Vec<Action>) {
        let Some(next) = world.processes.iter().position(|process| process.phase == Phase::Idle)
        else {
            return;
        };
        for key in 0..self.keys {
            let fates = world.fates(world.processes[next], Step::SendClaim);
            actions.extend(fates.map(|fate| Action::Begin(next as Actor, key, fate)));
        }
    }
}

impl World {
    fn steps(&self, setup: &Setup, process: Process) -> impl Iterator<Item = Step> + use<> {
        let slot = self.keys[process.key].stored.0.as_ref();
        let lapsed = slot.is_none_or(|slot| slot.lapsed(Timestamp(NOW)));
        let may_lose = setup.guarantee == Guarantee::AtLeastOnce && lapsed;
        process.phase.steps(may_lose).into_iter()
    }

    fn fates(&self, process: Process, step: Step) -> impl Iterator<Item = Option<Fault>> + use<> {
        let may_fail = self.faults > 0 && process.phase.step(step).1.is_some();
        FATES.into_iter().take(if may_fail { FATES.len() } else { 1 })
    }

    fn act(&mut self, setup: &Setup, action: Action) {
        if self.costs(action) {
            self.faults -= 1;
        }
        match action {
            Action::Begin(actor, key, fate) => {
                self.processes[usize::from(actor)].key = key;
                self.step(setup, actor, Step::SendClaim, fate);
            }
            Action::Step(actor, step, fate) => self.step(setup, actor, step, fate),
            Action::Arrive(message) => {
                self.late.remove(&message);
                self.apply(setup, message, false);
            }
            Action::Crash(actor) => self.processes[usize::from(actor)].phase = Phase::Over,
            Action::Tick => self.shift_times(|time| time.saturating_sub(1)),
            Action::JumpForward => self.shift_times(|time| time.saturating_sub(JUMP)),
            Action::JumpBack => {
                self.went_back = true;
                self.shift_times(|time| time + JUMP);
            }
        }
    }

    fn costs(&self, action: Action) -> bool {
        match action {
            Action::Begin(.., fate) | Action::Step(.., fate) => fate.is_some(),
            Action::Crash(_) | Action::JumpForward | Action::JumpBack => true,
            Action::Arrive(_) | Action::Tick => false,
        }
    }
}

impl World {
    fn step(&mut self, setup: &Setup, actor: Actor, step: Step, fate: Option<Fault>) {
        let process = &mut self.processes[usize::from(actor)];
        let ledger = &mut self.keys[process.key].ledger;
        match step {
            Step::Start => ledger.started(actor, setup.guarantee),
            Step::End(End::Free) => ledger.may_free(actor),
            _ => {}
        }
        let planted = setup.mutation.and_then(|mutation| mutation.step(process.phase, step));
        let (phase, sent) = planted.unwrap_or_else(|| process.phase.step(step));
        process.phase = phase;
        let Some(op) = sent else { return };
        let message = Message { actor, op };
        if let Some(Fault::Doubled | Fault::Late) = fate {
            self.late.insert(message);
        }
        if fate != Some(Fault::Late) {
            self.apply(setup, message, fate != Some(Fault::ReplyLost));
        }
        if let Some(Fault::ReplyLost | Fault::Late) = fate {
            self.fail(setup, message);
        }
    }

    /// The store does what a message asks for. If `heard`, its process hears the answer.
    fn apply(&mut self, setup: &Setup, message: Message, heard: bool) {
        let process = &mut self.processes[usize::from(message.actor)];
        let key = &mut self.keys[process.key];
        let before = key.stored.0.clone();
        let (change, reply) = match setup.mutation {
            None => message.apply(before.as_ref(), setup.guarantee),
            Some(mutation) => mutation.apply(message, before.as_ref(), setup.guarantee),
        };
        key.stored.put(change);
        if key.stored.0 != before {
            key.ledger.changed(message, before.as_ref(), key.stored.0.as_ref(), self.went_back);
        }
        if !heard || !process.phase.awaits(message.op) {
            return;
        }
        let (phase, shown) = process.phase.hear(&reply);
        process.phase = phase;
        match shown {
            Some(Shown::Own) => key.ledger.showed(message.actor, true),
            Some(Shown::Replay(answer)) => key.ledger.replayed(answer),
            None => {}
        }
    }

    /// The process learns nothing. Under at most once it shows its client an answer that is not stored.
    fn fail(&mut self, setup: &Setup, message: Message) {
        let process = &mut self.processes[usize::from(message.actor)];
        if !process.phase.awaits(message.op) {
            return;
        }
        if let (Guarantee::AtMostOnce, Op::StoredResponse(_)) = (setup.guarantee, message.op) {
            self.keys[process.key].ledger.showed(message.actor, false);
        }
        process.phase = process.phase.fail();
    }

    /// The clock says [`NOW`] in every state; all else moves.
    fn shift_times(&mut self, shift: impl Fn(u64) -> u64) {
        for key in &mut self.keys {
            key.stored.shift_times(&shift);
            key.ledger.shift_times(&shift);
        }
        for process in &mut self.processes {
            process.phase.shift_times(&shift);
        }
        self.late = self.late.iter().map(|message| message.shifted(&shift)).collect();
    }

    /// Makes states equal that differ only in how long ago something was that is over for good.
    fn forget_the_past(&mut self) {
        let can_go_back = self.faults > 0 && !self.went_back;
        let past = NOW - if can_go_back { JUMP } else { 0 };
        // One less, so that no fencing token of the past is the fencing token of this moment.
        self.shift_times(|time| time.max(past - 1));
        for key in &mut self.keys {
            key.stored.purge(past);
            key.ledger.purge(past);
        }
    }

    /// Whether somebody still works for whoever holds a key, or may yet be heard of.
    pub(crate) fn is_attended(&self, actor: Actor) -> bool {
        self.processes[usize::from(actor)].phase != Phase::Over
            || self.late.iter().any(|message| message.actor == actor)
    }

    /// When every lease is over that was taken until now, or before the clock went back.
    pub(crate) fn after_all_leases(&self) -> u64 {
        NOW + LEASE + if self.went_back { JUMP } else { 0 }
    }
}
