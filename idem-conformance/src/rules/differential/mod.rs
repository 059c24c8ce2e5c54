//! A comparison with the model, [`idem_core::state_machine`]: random lists of operations run on both, and
//! every reply must be equal.

mod actors;
mod comparison;
mod model;
mod op;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::case::Case;
use crate::harness::StoreHarness;
use crate::suite::runtime;
use actors::Actors;
use comparison::Comparison;
use model::Model;
use op::Op;

/// Number of lists that are compared concurrently. Stores whose clock cannot be moved sleep most of the time.
const CONCURRENCY: usize = 16;

/// Compares the store with the model on [`StoreHarness::CASES`] lists, and shrinks a list that differs.
pub fn store_behaves_like_the_model<S: StoreHarness>() {
    let runtime = runtime();
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let lists = op::lists();
    let trees = (0..S::CASES).map(|_| lists.new_tree(&mut runner).expect("a list of operations"));
    let trees: Vec<_> = trees.collect();
    let compared = stream::iter(trees.into_iter().map(|tree| async {
        let compared = compare::<S>(tree.current()).await;
        (tree, compared)
    }));
    let differing = compared
        .buffer_unordered(CONCURRENCY)
        .filter_map(|(tree, compared)| async { Some((tree, compared.err()?)) });
    let Some((tree, first)) = runtime.block_on(async { std::pin::pin!(differing).next().await })
    else {
        return;
    };
    let shrunk = runner.run_one(tree, |ops| runtime.block_on(compare::<S>(ops)));
    match shrunk {
        Err(failure) => panic!("{failure}"),
        Ok(_) => panic!("once: {first}"),
    }
}

/// Compares one list, with longer units until the machine is fast enough.
async fn compare<S: StoreHarness>(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let mut unit = S::UNIT;
    loop {
        match compare_with::<S>(&ops, unit).await {
            Err(TestCaseError::Reject(_)) => unit *= 2,
            compared => return compared,
        }
    }
}

async fn compare_with<S: StoreHarness>(ops: &[Op], unit: Duration) -> Result<(), TestCaseError> {
    let case = Case::<S>::fresh(unit).await;
    let model = Model::default();
    let ids = [case.key().id, case.key().id];
    let mut of_store = Actors::new(case.store(), ids, case.unit());
    let mut of_model = Actors::new(&model, ids, case.unit());
    let mut comparison = Comparison::new(unit);
    for &op in ops {
        if let Op::Advance { units } = op {
            case.advance(u32::from(units)).await;
            model.advance(unit * u32::from(units));
            continue;
        }
        let (expected, replied) = (of_model.apply(op).await, of_store.apply(op).await);
        // Durations end half a unit after an operation.
        if case.is_inconclusive(unit / 4) {
            return Err(TestCaseError::reject("too slow to distinguish one unit from the next"));
        }
        comparison.compare(op, &expected, &replied)?;
    }
    Ok(())
}
