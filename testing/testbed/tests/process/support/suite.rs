//! How a row becomes tests: one for each store that it concerns, on each framework.

use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::{Bed, Framework, Store, report};

/// A row that hangs is one that fails. Generous: it is no assertion on time.
const WATCHDOG: Duration = Duration::from_secs(90);

/// `topic::row::store::framework`, for all of them.
pub(crate) fn row(
    name: &'static str,
    stores: &[Store],
    row: impl AsyncFn(&Bed) + Copy + Send + 'static,
) -> Vec<Trial> {
    let beds = stores.iter().flat_map(|&store| Framework::ALL.map(|framework| (store, framework)));
    let trials = beds.map(|(store, framework)| {
        Trial::test(format!("{name}::{store}::{framework}"), move || {
            let started = Instant::now();
            run(framework, store, row);
            report::passed(name, store, framework, started.elapsed());
            Ok(())
        })
    });
    trials.collect()
}

/// Lets a row loose on a bed of its own, and then checks the history that it left.
fn run(framework: Framework, store: Store, row: impl AsyncFnOnce(&Bed)) {
    on_one_thread(async {
        let bed = Bed::new(framework, store);
        tokio::time::timeout(WATCHDOG, row(&bed)).await.expect("the row hangs");
        bed.check();
    });
}

/// Runs a test.
pub(crate) fn on_one_thread(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(test);
}

/// Makes `trials()`, all tests of all rows of a topic: functions by the modules that they are in.
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
