//! Turns a row into tests: one for each of its stores, on each framework.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::{Framework, Store, TestEnv, report};

/// The time after which a row counts as hanging. It is not an assertion about speed.
const WATCHDOG: Duration = Duration::from_secs(300);

/// Returns the tests of a row, named `topic::row::store::framework`.
pub(crate) fn row(
    name: &'static str,
    stores: &[Store],
    row: impl AsyncFn(&TestEnv) + Copy + Send + 'static,
) -> Vec<Trial> {
    let envs = stores.iter().flat_map(|&store| Framework::ALL.map(|framework| (store, framework)));
    let trials = envs.map(|(store, framework)| {
        Trial::test(format!("{name}::{store}::{framework}"), move || {
            let started = Instant::now();
            run(framework, store, row);
            report::passed(name, store, framework, started.elapsed());
            Ok(())
        })
    });
    trials.collect()
}

/// Runs a row in its own environment, and checks its history afterwards.
fn run(framework: Framework, store: Store, row: impl AsyncFnOnce(&TestEnv)) {
    on_one_thread(async {
        let env = TestEnv::new(framework, store);
        tokio::time::timeout(WATCHDOG, row(&env)).await.expect("the row hangs");
        env.check();
    });
}

/// Runs a test on a single-threaded runtime.
pub(crate) fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(test);
}

/// Defines `trials()`, which returns all tests of the rows of a topic. Rows are functions, listed by module.
macro_rules! rows {
    ($topic:ident: $($module:ident { $($name:ident on [$($store:ident)+];)+ })+) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            use $crate::support::{Store, row};

            let mut all = Vec::new();
            $($(
                let name = concat!(stringify!($topic), "::", stringify!($name));
                all.extend(row(name, &[$(Store::$store()),+], $module::$name));
            )+)+
            all
        }
    };
}

pub(crate) use rows;
