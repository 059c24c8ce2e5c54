//! The operator: a person who reads the record of the first key and resolves it later.

use idem_core::store::FencingToken;

use crate::model::Key;
use crate::store::{Decision, Message, Op, ProcessId};

/// Identifies the messages of the operator.
const OPERATOR: ProcessId = ProcessId::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operator {
    /// The number of resolutions that the operator can still send.
    resolutions: u8,
    /// The fencing token that the operator has seen.
    pub(crate) token: Option<FencingToken>,
}

/// A step of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Look,
    Resolve(Decision),
}

impl Operator {
    pub(crate) const fn new(resolutions: u8) -> Self {
        Self { resolutions, token: None }
    }

    /// The steps that are possible now.
    pub(crate) fn steps(self, key: &Key) -> Vec<Errand> {
        if self.token.is_none() {
            let may_look = self.resolutions > 0 && key.stored.is_live();
            return may_look.then_some(Errand::Look).into_iter().collect();
        }
        let found = key.history.effect_of().map(Decision::Complete);
        let decisions = [Decision::Release, Decision::Hold, Decision::Evict];
        decisions.into_iter().chain(found).map(Errand::Resolve).collect()
    }

    /// Takes a step, and returns the message that is sent.
    pub(crate) fn act(&mut self, errand: Errand, key: &mut Key) -> Option<Message> {
        match errand {
            Errand::Look => {
                key.history.record_look();
                self.token = key.token();
                None
            }
            Errand::Resolve(decision) => {
                let token = self.token.take()?;
                self.resolutions -= 1;
                Some(Message { process: OPERATOR, op: Op::Resolve(token, decision) })
            }
        }
    }
}
