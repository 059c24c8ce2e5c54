//! A comparison with the model, [`idem_core::state_machine`]: random lists of operations run on both, and
//! every reply must be equal.

mod actors;
mod comparison;
mod model;
mod op;

use std::any::type_name;

use futures_util::{StreamExt, stream};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::case::Case;
use crate::harness::StoreHarness;
use crate::passes::{Passes, fresh, report_inconclusive, runtime};
use crate::watchdog::LIMIT;
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
    let mut inconclusive = None;
    let differing = compared.buffer_unordered(CONCURRENCY).filter_map(|(tree, compared)| {
        let differs = compared.map(|passes| inconclusive = inconclusive.take().or(passes)).err();
        async move { Some((tree, differs?)) }
    });
    let first = runtime.block_on(async { std::pin::pin!(differing).next().await });
    if let Some((tree, first)) = first {
        let again = |ops| runtime.block_on(compare::<S>(ops)).map(drop);
        match runner.run_one(tree, again) {
            Err(failure) => panic!("{failure}"),
            Ok(_) => panic!("once: {first}"),
        }
    }
    if let Some(passes) = inconclusive {
        report_inconclusive(&name::<S>(), &passes);
    }
}

/// The name of the rule and the harness. The rule is inconclusive if one of the lists is, and no other list differs.
fn name<S>() -> String {
    format!("store_behaves_like_the_model for {}", type_name::<S>())
}

/// Compares one list, with longer units until the machine is fast enough. Returns the passes if none was.
async fn compare<S: StoreHarness>(ops: Vec<Op>) -> Result<Option<Passes>, TestCaseError> {
    let name = name::<S>();
    let mut passes = Passes::new(S::UNIT);
    while let Some(unit) = passes.begin() {
        let case = fresh::<S>(&name, unit).await;
        match compare_with(&case, &ops).await {
            Err(TestCaseError::Reject(_)) => {}
            compared => return compared.map(|()| None),
        }
    }
    Ok(Some(passes))
}

async fn compare_with<S: StoreHarness>(case: &Case<S>, ops: &[Op]) -> Result<(), TestCaseError> {
    let unit = case.unit();
    let model = Model::default();
    let ids = [case.key().id, case.key().id];
    let mut of_store = Actors::new(case.store(), ids, unit);
    let mut of_model = Actors::new(&model, ids, unit);
    let mut comparison = Comparison::new(unit);
    for &op in ops {
        if let Op::Advance { units } = op {
            case.advance(u32::from(units)).await;
            model.advance(unit * u32::from(units));
            continue;
        }
        let expected = of_model.apply(op).await;
        // A limit for each reply, because a list also waits for the other lists on its thread.
        let reply = format!("the reply to {op:?}");
        let replied = case.within(LIMIT, &reply, of_store.apply(op)).await;
        // Durations end half a unit after an operation.
        if case.is_inconclusive(unit / 4) {
            return Err(TestCaseError::reject("too slow to distinguish one unit from the next"));
        }
        comparison.compare(op, &expected, &replied)?;
    }
    Ok(())
}
