//! Compares the replies of the store and of the model.

use idem_core::store::{Claim, ClaimOutcome, FencingToken, RecordId, Update};
use proptest::prop_assert;
use proptest::test_runner::TestCaseError;

use super::actors::Reply;
use super::op::Op;

/// Fencing tokens are compared by their order, because the store and the model have different clocks.
#[derive(Default)]
pub(super) struct Comparison {
    tokens: Vec<(RecordId, FencingToken, FencingToken)>,
}

impl Comparison {
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
            (Reply::Claim(expected), Reply::Claim(replied)) => expected == replied,
            (Reply::Update(expected), Reply::Update(replied)) => same_update(op, expected, replied),
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
}

/// Compares updates. Only `complete` must return the existing record.
fn same_update(op: Op, expected: &Update, replied: &Update) -> bool {
    match op {
        Op::Complete { .. } => expected == replied,
        _ => (*expected == Update::Applied) == (*replied == Update::Applied),
    }
}
