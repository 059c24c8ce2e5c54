//! `cargo xtask bench`

mod build_cost;
mod table;

use anyhow::Result;
use clap::Args;
use xshell::{Shell, cmd};

use crate::step::step;

#[derive(Args)]
pub(crate) struct Options {
    /// Print the tables of the guide instead: this library beside others on every store, and the cost of a build
    #[arg(long)]
    table: bool,
    /// With `--table`, one round and no build cost
    #[arg(long, requires = "table")]
    quick: bool,
    /// Print the cost of a build instead
    #[arg(long)]
    build: bool,
    /// With `--table`, measure with real-time priority, which needs root
    #[arg(long, requires = "table")]
    real_time: bool,
    /// Arguments for the benchmarks, such as a filter or `--save-baseline main`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(shell: &Shell, options: &Options) -> Result<()> {
    if options.table {
        step("tables", || table::run(shell, options))?;
    }
    if options.build || options.table && !options.quick {
        step("build cost", || build_cost::run(shell))?;
    }
    if options.table || options.build {
        return Ok(());
    }
    let args = &options.args;
    step("benchmarks", || {
        // A glob, because without one cargo would give `args` to the unit tests too.
        Ok(cmd!(shell, "cargo bench --workspace --all-features --bench * -- {args...}").run()?)
    })
}
