//! The tables of the guide. `cargo xtask bench --table` builds the program of the peers and starts this one.
//!
//! The servers of all variants run at the same time, each with its own database, and each is measured for 100 ms in
//! turn. Compare the ratios within a table, because machines and minutes differ.
//!
//! `--peers PROGRAM` is the program of `testing/peers`. `--rounds 3`, `--only WORD` (tables and cases), `--variant WORD` and
//! `--pause SECONDS` (after each round) are optional.

use std::time::Duration;

use idem_bench::process::pin_load;
use idem_bench::rounds::{is_wanted, option};
use idem_bench::server;
use idem_bench::table::{Bench, Table, VARIANTS, description, render, tables};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, serve, variant] = &args[..]
        && serve == "serve"
    {
        return server::serve(variant);
    }
    let Some(peers) = option(&args, "--peers") else {
        println!("skipped: `cargo xtask bench --table` starts this benchmark");
        return Ok(());
    };
    let wanted = option(&args, "--variant").unwrap_or_default();
    let number = |name, default| option(&args, name).map_or(Ok(default), str::parse);
    let bench = Bench {
        variants: VARIANTS.into_iter().filter(|variant| variant.name.contains(wanted)).collect(),
        peers: Some(peers.into()),
        rounds: number("--rounds", 3)?,
        pause: Duration::from_secs(number("--pause", 0)? as u64),
    };
    pin_load();
    println!("{}; rounds: {}", description(), bench.rounds);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for mut table in tables() {
        table.cases.retain(|case| is_wanted(&args, &format!("{}: {}", table.title, case.heading)));
        if !table.cases.is_empty() {
            runtime.block_on(print(&table, &bench))?;
        }
    }
    Ok(())
}

async fn print(table: &Table, bench: &Bench) -> anyhow::Result<()> {
    let mut samples = Vec::new();
    for case in &table.cases {
        samples.push(bench.measure(case).await?);
    }
    println!("\n### {}\n\n{}", table.title, render(table, &bench.variants, &samples));
    Ok(())
}
