//! The machine and the versions of a run.

use std::fs;
use std::process::Command;

/// Returns the date, the machine and the versions, as one line.
pub fn description() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let of = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let sha = of("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "sha_ni"));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    [
        format!("Date: {}", output("date", "+%Y-%m-%d")),
        format!("{cores} cores of {}", of("model name").unwrap_or_default()),
        format!("SHA extensions: {}", if sha { "yes" } else { "no" }),
        format!("Linux {}", kernel.trim()),
        word(&output("rustc", "--version"), 0, 2),
        format!("Redis {}", word(&output("redis-server", "--version"), 2, 1).replace("v=", "")),
        format!("PostgreSQL {}", word(&output("psql", "--version"), 2, 1)),
    ]
    .join("; ")
}

/// Returns some words of a line.
fn word(line: &str, skip: usize, take: usize) -> String {
    let words: Vec<&str> = line.split_whitespace().skip(skip).take(take).collect();
    words.join(" ")
}

/// Returns the output of a program, or nothing if it is not installed.
fn output(program: &str, arg: &str) -> String {
    let output = Command::new(program).arg(arg).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}
