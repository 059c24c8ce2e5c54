//! How a row becomes tests: one for each store that it concerns, on each framework.

use std::time::Duration;

use super::{Bed, Framework, Store};

/// A row that hangs is one that fails. Generous: it is no assertion on time.
const WATCHDOG: Duration = Duration::from_secs(90);

/// Lets a row loose on a bed of its own, and then checks the history that it left.
pub(crate) fn run(framework: Framework, store: Store, row: impl AsyncFnOnce(&Bed)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let bed = Bed::new(framework, store);
        tokio::time::timeout(WATCHDOG, row(&bed)).await.expect("the row hangs");
        bed.check();
    });
}

/// Makes `row::store::framework` of every row.
macro_rules! rows {
    ($topic:ident: $($name:ident on [$($store:ident)+];)+) => {
        $(
            mod $name {
                $(
                    mod $store {
                        use $crate::support::{Framework, Store, run};

                        #[test]
                        fn axum() {
                            run(Framework::Axum, Store::$store(), super::super::$topic::$name);
                        }

                        #[test]
                        fn actix() {
                            run(Framework::Actix, Store::$store(), super::super::$topic::$name);
                        }
                    }
                )+
            }
        )+
    };
}

pub(crate) use rows;
