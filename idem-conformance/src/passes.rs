//! The passes of a rule. A rule runs again if the machine was too busy to judge the store.

use std::any::Any;
use std::future::Future;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::case::Case;
use crate::harness::StoreHarness;

/// The maximum number of passes. The units of the last one are 64 times as long as those of the first.
const MAX_PASSES: u32 = 7;

/// The time after which no pass begins. The next one would take about as long as all passes before.
const MAX_TIME: Duration = Duration::from_secs(150);

/// The time after which a pass hangs. On a busy machine a pass takes seconds.
const MAX_PASS: Duration = Duration::from_secs(120);

/// The passes of one rule until now.
#[derive(Debug)]
pub(crate) struct Passes {
    made: u32,
    unit: Duration,
    began: Instant,
}

impl Passes {
    pub(crate) fn new(unit: Duration) -> Self {
        Self { made: 0, unit, began: Instant::now() }
    }

    /// Begins a pass, and returns its unit: twice the unit of the pass before. Returns `None` at the limit.
    pub(crate) fn begin(&mut self) -> Option<Duration> {
        if self.made == MAX_PASSES || self.began.elapsed() >= MAX_TIME {
            return None;
        }
        if self.made > 0 {
            self.unit *= 2;
        }
        self.made += 1;
        Some(self.unit)
    }

    fn report(&self, rule: &str) -> String {
        let Self { made, unit, .. } = self;
        format!(
            "\ninconclusive: no pass of {rule} was quiet enough; {made} passes, the last with units of {unit:?}; \
             run it again on a machine with less load\n"
        )
    }
}

/// Runs one rule on a fresh harness, up to a conclusive pass. A rule without one passes, because its failures prove
/// nothing about the store.
#[doc(hidden)]
pub fn run<S: StoreHarness, F: Future<Output = ()>>(name: &str, rule: impl Fn(Case<S>) -> F) {
    if let Err(passes) = judge(name, rule) {
        report_inconclusive(name, &passes);
    }
}

/// Reports a rule without a conclusive pass. `eprintln!` would be captured by the test harness, which shows the output
/// of failed tests only.
pub(crate) fn report_inconclusive(rule: &str, passes: &Passes) {
    drop(io::stderr().write_all(passes.report(rule).as_bytes()));
}

/// Returns the passes if none of them was conclusive, and panics if the rule fails.
fn judge<S, F>(name: &str, rule: impl Fn(Case<S>) -> F) -> Result<(), Passes>
where
    S: StoreHarness,
    F: Future<Output = ()>,
{
    let runtime = runtime();
    let mut passes = Passes::new(S::UNIT);
    while let Some(unit) = passes.begin() {
        let case = runtime.block_on(fresh::<S>(name, unit));
        let pass = || runtime.block_on(case.finish(name, MAX_PASS, rule(case.clone())));
        let Err(panic) = catch_unwind(AssertUnwindSafe(pass)) else { return Ok(()) };
        if !case.is_inconclusive(unit) {
            resume_unwind(panic);
        }
        eprintln!("the pass with units of {unit:?} was too slow to be conclusive");
    }
    Err(passes)
}

/// Creates the environment of a pass. If that fails, the rule did not run, and the message shows it.
pub(crate) async fn fresh<S: StoreHarness>(rule: &str, unit: Duration) -> Case<S> {
    let fresh = AssertUnwindSafe(Case::<S>::fresh(unit)).catch_unwind();
    match timeout(MAX_PASS, fresh).await {
        Ok(Ok(case)) => case,
        Ok(Err(panic)) => {
            panic!("{rule} did not run: `StoreHarness::fresh` failed: {}", message(&*panic))
        }
        Err(_) => panic!("{rule} did not run: `StoreHarness::fresh` took {MAX_PASS:?}"),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    let message = owned.or_else(|| panic.downcast_ref::<&str>().copied());
    message.unwrap_or("a panic without a message")
}

/// Returns a runtime with several threads, so that concurrent calls run in parallel.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime")
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use idem_core::MemoryStore;
    use tokio::time::sleep;

    use super::*;

    /// A store whose harness sleeps, as for a store on a server.
    struct Sleeping<const UNIT_MS: u64>(MemoryStore);

    type Short = Sleeping<1>;
    type Long = Sleeping<3_600_000>;

    impl<const UNIT_MS: u64> StoreHarness for Sleeping<UNIT_MS> {
        type Store = MemoryStore;
        const UNIT: Duration = Duration::from_millis(UNIT_MS);

        async fn fresh() -> Self {
            Self(MemoryStore::new())
        }

        fn store(&self) -> &MemoryStore {
            &self.0
        }

        async fn advance(&self, time: Duration) {
            sleep(time).await;
        }
    }

    /// Fails a unit too late.
    async fn fails_late(case: Case<Short>) {
        sleep(2 * case.unit()).await;
        panic!("the record has expired");
    }

    #[test]
    fn a_rule_without_a_quiet_pass_is_inconclusive_and_reported() {
        let passes = judge("rule", fails_late).unwrap_err();
        let report = passes.report("rule");
        let expected = "no pass of rule was quiet enough; 7 passes, the last with units of 64ms;";
        assert!(report.contains(expected), "{report}");
    }

    #[test]
    fn no_pass_begins_after_the_limit() {
        let mut passes = Passes::new(Duration::from_secs(60));
        assert_eq!(passes.begin(), Some(Duration::from_secs(60)));
        passes.began = Instant::now().checked_sub(MAX_TIME).unwrap();
        assert_eq!(passes.begin(), None);
    }

    #[test]
    #[should_panic(expected = "broken")]
    fn a_failure_in_a_quiet_pass_counts() {
        judge("rule", |case: Case<Long>| async move {
            assert_eq!(case.unit(), Duration::ZERO, "broken");
        })
        .unwrap();
    }

    #[test]
    #[should_panic(expected = "broken")]
    fn a_failure_without_units_counts_in_a_slow_pass() {
        judge("rule", |_: Case<Short>| async {
            sleep(3 * Short::UNIT).await;
            panic!("broken");
        })
        .unwrap();
    }

    #[test]
    #[should_panic(expected = "the wake-up did not happen within 1ms")]
    fn an_event_that_does_not_happen_counts_in_a_slow_pass() {
        judge("rule", |case: Case<Short>| async move {
            sleep(3 * case.unit()).await;
            case.within(Short::UNIT, "the wake-up", pending::<()>()).await;
        })
        .unwrap();
    }

    #[tokio::test]
    #[should_panic(expected = "the end of rule did not happen within 1ms")]
    async fn a_pass_that_hangs_is_a_failure_with_the_name_of_its_rule() {
        let case = fresh::<Short>("rule", Short::UNIT).await;
        case.finish("rule", Duration::from_millis(1), pending::<()>()).await;
    }

    #[tokio::test]
    async fn a_pass_does_not_hang_while_the_harness_lets_time_pass() {
        let began = Instant::now();
        let case = fresh::<Short>("rule", Short::UNIT).await;
        case.advance(50).await;
        assert!(case.busy() + 50 * Short::UNIT <= began.elapsed(), "{:?}", case.busy());
    }

    struct WithoutServer;

    impl StoreHarness for WithoutServer {
        type Store = MemoryStore;

        async fn fresh() -> Self {
            let address = "127.0.0.1:1";
            panic!("cannot connect to {address}")
        }

        fn store(&self) -> &MemoryStore {
            unreachable!("there is no harness")
        }

        async fn advance(&self, _: Duration) {}
    }

    #[test]
    #[should_panic(
        expected = "rule did not run: `StoreHarness::fresh` failed: cannot connect to 127.0.0.1:1"
    )]
    fn a_harness_that_fails_is_reported_as_such() {
        judge("rule", |_: Case<WithoutServer>| async {}).unwrap();
    }
}
