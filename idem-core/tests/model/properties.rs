//! What must hold in every state, and what must be possible (RELIABILITY section 3).

use idem_core::Guarantee;
use idem_core::store::State;
use stateright::Property;

use crate::ledger::Invariant;
use crate::store::{NOW, actor_of, result};
use crate::world::{Key, Setup, World};

pub(crate) const STARTS: &str = "I1 starts are bounded";
pub(crate) const RESULTS: &str = "I2 one result is accepted";
pub(crate) const RERUNS: &str = "I3 no start after acceptance";
pub(crate) const ANSWERS: &str = "I4 answers are the accepted one";
pub(crate) const FENCES: &str = "I5 fences grow";
pub(crate) const SCOPE: &str = "I6 answers stay under their key";
pub(crate) const INVENTIONS: &str = "I7 no answer without a run";
pub(crate) const RECORDS: &str = "I9 a started run is on record";
pub(crate) const STUCK: &str = "I10 nothing is stuck";

pub(crate) fn of(guarantee: Guarantee) -> Vec<Property<Setup>> {
    let (always, sometimes) = (Property::<Setup>::always, Property::<Setup>::sometimes);
    let mut properties = vec![
        always(STARTS, |_, world| keeps(world, Invariant::Starts)),
        always(RESULTS, |_, world| keeps(world, Invariant::Results)),
        always(RERUNS, |_, world| keeps(world, Invariant::Reruns)),
        always(ANSWERS, |_, world| keeps(world, Invariant::Answers)),
        always(FENCES, |_, world| keeps(world, Invariant::Fences)),
        always(SCOPE, |_, world| keeps(world, Invariant::Scope)),
        always(INVENTIONS, |_, world| keeps(world, Invariant::Inventions)),
        always(RECORDS, |_, world| world.keys.iter().all(on_record)),
        always(STUCK, |setup, world| world.keys.iter().all(|key| !stuck(setup, world, key))),
        sometimes("completed", |_, world| world.keys.iter().any(completed)),
        sometimes("unknown", |setup, world| {
            world
                .keys
                .iter()
                .any(|key| key.stored.told(setup.guarantee, NOW) == Some(State::Unknown))
        }),
    ];
    if guarantee == Guarantee::AtLeastOnce {
        properties.push(sometimes("takeover", |_, world| world.keys.iter().any(taken_over)));
        properties.push(sometimes("completed by the second", |_, world| {
            world.keys.iter().any(|key| taken_over(key) && completed(key))
        }));
    }
    properties
}

fn keeps(world: &World, invariant: Invariant) -> bool {
    world.keys.iter().all(|key| key.ledger.broken != Some(invariant))
}

fn on_record(key: &Key) -> bool {
    !key.ledger.owes_record() || key.stored.is_live()
}

/// Once nobody works for its owner any more, and its lease is over, a key does not read as running.
fn stuck(setup: &Setup, world: &World, key: &Key) -> bool {
    let nonce = key.stored.0.as_ref().map(actor_of);
    let left_alone = nonce.is_some_and(|nonce| !world.is_attended(nonce));
    left_alone && key.stored.told(setup.guarantee, world.after_all_leases()) == Some(State::Running)
}

fn completed(key: &Key) -> bool {
    key.stored.0.as_ref().is_some_and(|slot| result(&slot.record.state).is_some())
}

fn taken_over(key: &Key) -> bool {
    key.stored.0.as_ref().is_some_and(|slot| slot.record.attempt > 1)
}
