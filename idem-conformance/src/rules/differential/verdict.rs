//! Whether two replies say the same.

use idem_core::store::{Claim, ClaimOutcome, FencingToken, RecordId, Update};
use proptest::prop_assert;
use proptest::test_runner::TestCaseError;

use super::actors::Reply;
use super::op::Op;

/// Fences are compared by their order: a store's clock is not the model's.
#[derive(Default)]
pub(super) struct Verdict {
    fences: Vec<(RecordId, FencingToken, FencingToken)>,
}

impl Verdict {
    pub(super) fn compare(
        &mut self,
        op: Op,
        expected: &Reply,
        replied: &Reply,
    ) -> Result<(), TestCaseError> {
        let same = match (expected, replied) {
            (
                Reply::ClaimOutcome(ClaimOutcome::Acquired(expected)),
                Reply::ClaimOutcome(ClaimOutcome::Acquired(replied)),
            ) => self.same_claim(expected, replied),
            (Reply::ClaimOutcome(expected), Reply::ClaimOutcome(replied)) => expected == replied,
            (Reply::Update(expected), Reply::Update(replied)) => same_fenced(op, expected, replied),
            _ => false,
        };
        prop_assert!(same, "{op:?} was answered {replied:?}; the model says {expected:?}");
        Ok(())
    }

    fn same_claim(&mut self, expected: &Claim, replied: &Claim) -> bool {
        let in_order = self.fences.iter().filter(|(id, ..)| *id == expected.id).all(
            |(_, of_model, of_store)| expected.token.cmp(of_model) == replied.token.cmp(of_store),
        );
        self.fences.push((expected.id, expected.token, replied.token));
        in_order && Claim { token: expected.token, ..*replied } == *expected
    }
}

/// Only `complete` promises to tell what stands there.
fn same_fenced(op: Op, expected: &Update, replied: &Update) -> bool {
    match op {
        Op::Complete { .. } => expected == replied,
        _ => (*expected == Update::Applied) == (*replied == Update::Applied),
    }
}
