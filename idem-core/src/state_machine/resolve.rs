//! The resolution of a record by an operator.

use super::{Change, Slot, completed, next_token};
use crate::model::{Completion, FencingToken, Record, State, Timestamp, UnknownReason};
use crate::store::{Resolution, Update};

/// Resolves an unknown outcome by hand, or evicts a record whose run has ended. `expected` is the fencing token of the
/// record that the operator has seen.
///
/// * [`Complete`](Resolution::Complete), [`Release`](Resolution::Release) and [`Hold`](Resolution::Hold) apply to an
///   unknown record, and to a running one whose lease has ended.
/// * [`Evict`](Resolution::Evict) applies to every record except one that is running with a valid lease.
///
/// A record that stays gets a higher fencing token, so the old run is stale. `Hold` keeps the silence and the reason. The
/// silence of a run that crashed counts from now, because its lease could still have been renewed.
///
/// If the token differs or the state does not permit the resolution, nothing changes and the caller gets
/// [`Update::Stale`] with the existing record, if there is an unexpired one.
pub fn resolve(
    slot: Option<&Slot>,
    expected: FencingToken,
    resolution: Resolution,
    now: Timestamp,
) -> (Change, Update) {
    let Some(slot) = slot.filter(|slot| !slot.expired(now)) else {
        return (Change::Keep, Update::Stale(None));
    };
    let record = &slot.record;
    let is_unknown = match record.state {
        State::Running => slot.lapsed(now),
        State::Unknown(_) => true,
        State::Completed(_) | State::NotRetained { .. } => false,
    };
    let is_live = record.state == State::Running && !is_unknown;
    let permitted = match resolution {
        Resolution::Evict => !is_live,
        Resolution::Complete { .. } | Resolution::Release | Resolution::Hold(_) => is_unknown,
    };
    if record.token != expected || !permitted {
        return (Change::Keep, Update::Stale(Some(Box::new(slot.observe(now)))));
    }
    let slot = match resolution {
        Resolution::Release | Resolution::Evict => return (Change::Remove, Update::Applied),
        Resolution::Complete { response, ttl } => {
            completed(slot, Completion::Response(response), ttl, now)
        }
        Resolution::Hold(hold) => {
            let reason = match record.state {
                State::Unknown(reason) => reason,
                _ => UnknownReason::Crashed,
            };
            completed(slot, Completion::unknown(reason), hold, now)
        }
    };
    let record = Record { token: next_token(Some(record.token), now), ..slot.record };
    (Change::Put(Slot { record, ..slot }), Update::Applied)
}
