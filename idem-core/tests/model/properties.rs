//! The invariants of docs/guarantees.md#invariants, and states that must be reachable.

use idem_core::Guarantee;
use idem_core::store::{State, UnknownReason};
use stateright::Property;

use crate::handlers::Recover;
use crate::invariant::Invariant;
use crate::model::{Key, ModelState, Setup};
use crate::store::{NOW, completed_by, owner_of};

pub(crate) const BOUNDED_STARTS: &str = "bounded starts";
pub(crate) const ONE_ACCEPTED_RESULT: &str = "one accepted result";
pub(crate) const NO_START_AFTER_ACCEPTANCE: &str = "no start after acceptance";
pub(crate) const EQUAL_REPLAYS: &str = "equal replays";
pub(crate) const GROWING_FENCING_TOKENS: &str = "growing fencing tokens";
pub(crate) const REPLIES_STAY_IN_THEIR_SCOPE: &str = "replies stay in their scope";
pub(crate) const NO_RESULT_WITHOUT_A_RUN: &str = "no result without a run";
pub(crate) const NO_START_IN_RECOVERY: &str = "no start in recovery";
pub(crate) const SILENCE_IS_KEPT: &str = "silence is kept";
pub(crate) const OLD_OWNERS_ARE_FENCED: &str = "old owners are fenced";
pub(crate) const CURRENT_RESOLUTIONS: &str = "current resolutions";
pub(crate) const EVERY_STARTED_RUN_IS_RECORDED: &str = "every started run is recorded";
pub(crate) const NOTHING_STAYS_STUCK: &str = "nothing stays stuck";

pub(crate) fn of(setup: &Setup) -> Vec<Property<Setup>> {
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
        always(NO_START_IN_RECOVERY, |_, state| holds(state, Invariant::NoStartInRecovery)),
        always(SILENCE_IS_KEPT, |_, state| holds(state, Invariant::SilenceIsKept)),
        always(OLD_OWNERS_ARE_FENCED, |_, state| holds(state, Invariant::OldOwnersAreFenced)),
        always(CURRENT_RESOLUTIONS, |_, state| holds(state, Invariant::CurrentResolutions)),
        always(EVERY_STARTED_RUN_IS_RECORDED, |_, state| state.keys.iter().all(is_recorded)),
        always(NOTHING_STAYS_STUCK, |setup, state| {
            state.keys.iter().all(|key| !is_stuck(setup, state, key))
        }),
        sometimes("completed", |_, state| state.keys.iter().any(is_completed)),
        sometimes("unknown", |setup, state| {
            state.keys.iter().any(|key| {
                matches!(
                    key.stored.state_for_duplicate(setup.handlers, NOW),
                    Some(State::Unknown(_))
                )
            })
        }),
    ];
    if setup.handlers.recover == Recover::Always {
        properties.push(sometimes("completed by a recovery", |_, state| {
            state.keys.iter().any(is_completed_by_another)
        }));
        properties.push(sometimes("run after a recovery", |_, state| {
            state.keys.iter().any(|key| key.history.is_run_again())
        }));
    }
    if setup.resolutions > 0 {
        properties.push(sometimes("held by the operator", |_, state| {
            state.keys.iter().any(|key| {
                key.stored
                    .0
                    .as_ref()
                    .is_some_and(|slot| slot.record.state == State::Unknown(UnknownReason::Crashed))
            })
        }));
    }
    if setup.handlers.guarantee == Guarantee::AtLeastOnce {
        properties.push(sometimes("takeover", |_, state| state.keys.iter().any(is_taken_over)));
        properties.push(sometimes("completed after a takeover", |_, state| {
            state.keys.iter().any(|key| is_taken_over(key) && is_completed(key))
        }));
    }
    properties
}

fn holds(state: &ModelState, invariant: Invariant) -> bool {
    !state.keys.iter().any(|key| key.history.violates(invariant))
}

fn is_recorded(key: &Key) -> bool {
    !key.history.requires_record() || key.stored.is_live()
}

/// Whether a key reads as running although its owner is gone and all leases are over, or as unknown although a
/// recovery could find out.
fn is_stuck(setup: &Setup, state: &ModelState, key: &Key) -> bool {
    let Some(slot) = &key.stored.0 else { return false };
    let end = state.end_of_all_leases();
    match key.stored.state_for_duplicate(setup.handlers, end) {
        Some(State::Running) => !state.is_active(owner_of(slot)),
        Some(State::Unknown(reason)) => {
            setup.handlers.recover == Recover::Always && reason != UnknownReason::Disputed
        }
        _ => false,
    }
}

/// Whether a recovery or the operator stored the result of a lost run.
fn is_completed_by_another(key: &Key) -> bool {
    key.stored.0.as_ref().is_some_and(|slot| {
        completed_by(&slot.record.state).is_some_and(|run| run != owner_of(slot))
    })
}

fn is_completed(key: &Key) -> bool {
    key.stored.0.as_ref().is_some_and(|slot| completed_by(&slot.record.state).is_some())
}

fn is_taken_over(key: &Key) -> bool {
    key.stored.0.as_ref().is_some_and(|slot| slot.record.attempt > 1)
}
