//! The invariants of docs/guarantees.md#invariants, and states that must be reachable.

use idem_core::Guarantee;
use idem_core::store::{State, UnknownReason};
use stateright::Property;

use crate::history::Invariant;
use crate::model::{Key, ModelState, Setup};
use crate::store::{NOW, completed_by, owner_of};

pub(crate) const BOUNDED_STARTS: &str = "bounded starts";
pub(crate) const ONE_ACCEPTED_RESULT: &str = "one accepted result";
pub(crate) const NO_START_AFTER_ACCEPTANCE: &str = "no start after acceptance";
pub(crate) const EQUAL_REPLAYS: &str = "equal replays";
pub(crate) const GROWING_FENCING_TOKENS: &str = "growing fencing tokens";
pub(crate) const REPLIES_STAY_IN_THEIR_SCOPE: &str = "replies stay in their scope";
pub(crate) const NO_RESULT_WITHOUT_A_RUN: &str = "no result without a run";
pub(crate) const EVERY_STARTED_RUN_IS_RECORDED: &str = "every started run is recorded";
pub(crate) const NOTHING_STAYS_STUCK: &str = "nothing stays stuck";

pub(crate) fn of(guarantee: Guarantee) -> Vec<Property<Setup>> {
    let (always, sometimes) = (Property::<Setup>::always, Property::<Setup>::sometimes);
    let mut properties = vec![
        always(BOUNDED_STARTS, |_, state| holds(state, Invariant::BoundedStarts)),
        always(ONE_ACCEPTED_RESULT, |_, state| holds(state, Invariant::OneAcceptedResult)),
        always(NO_START_AFTER_ACCEPTANCE, |_, state| {
            holds(state, Invariant::NoStartAfterAcceptance)
        }),
        always(EQUAL_REPLAYS, |_, state| holds(state, Invariant::EqualReplays)),
        always(GROWING_FENCING_TOKENS, |_, state| holds(state, Invariant::GrowingFencingTokens)),
        always(REPLIES_STAY_IN_THEIR_SCOPE, |_, state| {
            holds(state, Invariant::RepliesStayInTheirScope)
        }),
        always(NO_RESULT_WITHOUT_A_RUN, |_, state| holds(state, Invariant::NoResultWithoutARun)),
        always(EVERY_STARTED_RUN_IS_RECORDED, |_, state| state.keys.iter().all(is_recorded)),
        always(NOTHING_STAYS_STUCK, |setup, state| {
            state.keys.iter().all(|key| !is_stuck(setup, state, key))
        }),
        sometimes("completed", |_, state| state.keys.iter().any(is_completed)),
        sometimes("unknown", |setup, state| {
            state.keys.iter().any(|key| {
                key.stored.state_for_duplicate(setup.guarantee, NOW)
                    == Some(State::Unknown(UnknownReason::Crashed))
            })
        }),
    ];
    if guarantee == Guarantee::AtLeastOnce {
        properties.push(sometimes("takeover", |_, state| state.keys.iter().any(is_taken_over)));
        properties.push(sometimes("completed after a takeover", |_, state| {
            state.keys.iter().any(|key| is_taken_over(key) && is_completed(key))
        }));
    }
    properties
}

fn holds(state: &ModelState, invariant: Invariant) -> bool {
    state.keys.iter().all(|key| key.history.violated != Some(invariant))
}

fn is_recorded(key: &Key) -> bool {
    !key.history.requires_record() || key.stored.is_live()
}

/// Whether a key reads as running although its owner is gone and all leases are over.
fn is_stuck(setup: &Setup, state: &ModelState, key: &Key) -> bool {
    let owner = key.stored.0.as_ref().map(owner_of);
    let owner_is_gone = owner.is_some_and(|owner| !state.is_active(owner));
    owner_is_gone
        && key.stored.state_for_duplicate(setup.guarantee, state.end_of_all_leases())
            == Some(State::Running)
}

fn is_completed(key: &Key) -> bool {
    key.stored.0.as_ref().is_some_and(|slot| completed_by(&slot.record.state).is_some())
}

fn is_taken_over(key: &Key) -> bool {
    key.stored.0.as_ref().is_some_and(|slot| slot.record.attempt > 1)
}
