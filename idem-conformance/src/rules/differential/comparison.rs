//! Compares the replies of the store and of the model.

use std::time::Duration;

use idem_core::store::{
    Claim, ClaimOutcome, ExistingRecord, FencingToken, LostRun, RecordId, Update,
};
use proptest::prop_assert;
use proptest::test_runner::TestCaseError;

use super::actors::Reply;
use super::op::Op;

/// Fencing tokens are compared by their order, because the store and the model have different clocks.
/// Times are compared with a tolerance of half a unit, because the store's clock is running.
pub(super) struct Comparison {
    unit: Duration,
    tokens: Vec<(RecordId, FencingToken, FencingToken)>,
}

impl Comparison {
    pub(super) const fn new(unit: Duration) -> Self {
        Self { unit, tokens: Vec::new() }
    }

    pub(super) fn compare(
        &mut self,
        op: Op,
        expected: &Reply,
        replied: &Reply,
    ) -> Result<(), TestCaseError> {
        let same = match (expected, replied) {
            (
                Reply::Claim(ClaimOutcome::Acquired(expected)),
                Reply::Claim(ClaimOutcome::Acquired(replied)),
            ) => self.same_claim(expected, replied),
            (
                Reply::Claim(ClaimOutcome::Recovering(expected, expected_run)),
                Reply::Claim(ClaimOutcome::Recovering(replied, replied_run)),
            ) => {
                self.same_claim(expected, replied) && self.same_lost_run(expected_run, replied_run)
            }
            (
                Reply::Claim(ClaimOutcome::Exists(expected)),
                Reply::Claim(ClaimOutcome::Exists(replied)),
            ) => self.same_existing(expected, replied),
            (Reply::Claim(expected), Reply::Claim(replied)) => expected == replied,
            (Reply::Update(expected), Reply::Update(replied)) => {
                self.same_update(op, expected, replied)
            }
            _ => false,
        };
        prop_assert!(same, "{op:?} returned {replied:?}, but the model returned {expected:?}");
        Ok(())
    }

    fn same_claim(&mut self, expected: &Claim, replied: &Claim) -> bool {
        let in_order = self.tokens.iter().filter(|(id, ..)| *id == expected.id).all(
            |(_, of_model, of_store)| expected.token.cmp(of_model) == replied.token.cmp(of_store),
        );
        self.tokens.push((expected.id, expected.token, replied.token));
        in_order && Claim { token: expected.token, ..*replied } == *expected
    }

    fn same_lost_run(&self, expected: &LostRun, replied: &LostRun) -> bool {
        (expected.reason(), expected.attempt()) == (replied.reason(), replied.attempt())
            && self.same_time(expected.silent_for(), replied.silent_for())
    }

    fn same_existing(&self, expected: &ExistingRecord, replied: &ExistingRecord) -> bool {
        let times = match (expected.recoverable_in, replied.recoverable_in) {
            // Zero permits a recovery, so it is compared exactly.
            (Some(expected), Some(replied)) => {
                expected.is_zero() == replied.is_zero() && self.same_time(expected, replied)
            }
            (expected, replied) => expected == replied,
        };
        let recoverable_in = expected.recoverable_in;
        times && *expected == ExistingRecord { recoverable_in, ..replied.clone() }
    }

    fn same_time(&self, expected: Duration, replied: Duration) -> bool {
        expected.abs_diff(replied) < self.unit / 2
    }

    /// Compares updates. Only `complete` must return the existing record.
    fn same_update(&self, op: Op, expected: &Update, replied: &Update) -> bool {
        match (op, expected, replied) {
            (Op::Complete { .. }, Update::Stale(Some(expected)), Update::Stale(Some(replied))) => {
                self.same_existing(expected, replied)
            }
            (Op::Complete { .. }, ..) => expected == replied,
            _ => (*expected == Update::Applied) == (*replied == Update::Applied),
        }
    }
}
