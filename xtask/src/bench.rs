//! `cargo xtask bench`

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::step::step;

pub(crate) fn run(shell: &Shell, args: &[String]) -> Result<()> {
    step("benchmarks", || {
        // A glob, because without one cargo would give `args` to the unit tests too.
        Ok(cmd!(shell, "cargo bench --workspace --all-features --bench * -- {args...}").run()?)
    })
}
