//! A comparison with the model, [`idem_core::state_machine`]: random lists of operations run on both, and
//! every reply must be equal.

mod actors;
mod comparison;
mod model;
mod op;

use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::case::Case;
use crate::harness::StoreHarness;
use crate::suite::runtime;
use actors::Actors;
use comparison::Comparison;
use model::Model;
use op::Op;

/// Compares the store with the model on [`StoreHarness::CASES`] lists, and shrinks a list that differs.
pub fn store_behaves_like_the_model<S: StoreHarness>() {
    let runtime = runtime();
    let config = Config { cases: S::CASES, failure_persistence: None, ..Config::default() };
    let compared =
        TestRunner::new(config).run(&op::lists(), |ops| runtime.block_on(compare::<S>(ops)));
    if let Err(failure) = compared {
        panic!("{failure}");
    }
}

async fn compare<S: StoreHarness>(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let case = Case::<S>::fresh().await;
    let model = Model::default();
    let ids = [case.key().id, case.key().id];
    let mut of_store = Actors::new(case.store(), ids, S::UNIT);
    let mut of_model = Actors::new(&model, ids, S::UNIT);
    let mut comparison = Comparison::default();
    let started = Instant::now();
    let mut passed = Duration::ZERO;
    for op in ops {
        if let Op::Advance { units } = op {
            let time = S::UNIT * u32::from(units);
            case.advance_by(time).await;
            model.advance(time);
            passed += time;
            continue;
        }
        let (expected, replied) = (of_model.apply(op).await, of_store.apply(op).await);
        if started.elapsed() > passed + S::UNIT / 4 {
            return Err(TestCaseError::reject("too slow to distinguish one unit from the next"));
        }
        comparison.compare(op, &expected, &replied)?;
    }
    Ok(())
}
