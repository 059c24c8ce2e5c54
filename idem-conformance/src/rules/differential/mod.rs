//! Random lists of operations on the store and on the model, [`idem_core::state_machine`]: every reply must
//! be the same (RELIABILITY section 10, L1).

mod actors;
mod model;
mod op;
mod verdict;

use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::subject::{Case, Subject};
use crate::suite::runtime;
use actors::Actors;
use model::Model;
use op::Op;
use verdict::Verdict;

/// Compares the store with the model on [`Subject::CASES`] lists, and shortens one that differs.
pub fn store_answers_as_the_model_does<S: Subject>() {
    let runtime = runtime();
    let config = Config { cases: S::CASES, failure_persistence: None, ..Config::default() };
    let compared =
        TestRunner::new(config).run(&op::lists(), |ops| runtime.block_on(compare::<S>(ops)));
    if let Err(failure) = compared {
        panic!("{failure}");
    }
}

async fn compare<S: Subject>(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let case = Case::<S>::fresh().await;
    let model = Model::default();
    let ids = [case.key().id, case.key().id];
    let mut of_store = Actors::new(case.store(), ids, S::UNIT);
    let mut of_model = Actors::new(&model, ids, S::UNIT);
    let mut verdict = Verdict::default();
    let started = Instant::now();
    let mut passed = Duration::ZERO;
    for op in ops {
        if let Op::Pass { units } = op {
            let time = S::UNIT * u32::from(units);
            case.pass_time(time).await;
            model.pass(time);
            passed += time;
            continue;
        }
        let (expected, replied) = (of_model.apply(op).await, of_store.apply(op).await);
        if started.elapsed() > passed + S::UNIT / 4 {
            return Err(TestCaseError::reject("too slow to tell one unit from the next"));
        }
        verdict.compare(op, &expected, &replied)?;
    }
    Ok(())
}
