//! The instructions of a request on axum with the memory store, in one process and without a network.
//!
//! Valgrind counts them, so the figures are the same on every run and on a busy machine. Its processor has no SHA extensions,
//! so the part of SHA-256 is shown apart: it is much smaller on a real processor that has them.
//!
//! `cargo bench -p idem-bench --bench instructions`

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use idem_bench::server;
use tower::ServiceExt;

const VARIANTS: [&str; 4] = ["bare-axum", "by-hand-axum", "annotated-axum", "layered-axum"];

/// The numbers of requests of two runs. Their difference contains no start of a process.
const REQUESTS: [u64; 2] = [1_000, 3_000];

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, command, variant, keys, requests] = &args[..]
        && command == "send"
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(send(variant, keys == "fresh", requests.parse()?));
    }
    println!("{:16} {:10} {:>12} {:>12}", "", "", "without SHA", "SHA-256");
    for keys in ["fresh", "repeated"] {
        for variant in VARIANTS {
            let [few, many] = REQUESTS.map(|requests| count(variant, keys, requests));
            let (few, many) = (few?, many?);
            let per_request = |few: u64, many: u64| (many - few) / (REQUESTS[1] - REQUESTS[0]);
            let sha = per_request(few.sha, many.sha);
            let others = per_request(few.all, many.all) - sha;
            println!("{variant:16} {keys:10} {others:12} {sha:12}");
        }
    }
    Ok(())
}

/// Sends requests one after the other.
async fn send(variant: &str, fresh: bool, requests: u64) -> anyhow::Result<()> {
    let router = server::router(variant)?;
    let body = format!(r#"{{"amount":4200,"currency":"EUR","note":"{}"}}"#, "n".repeat(980));
    for number in 0..requests {
        let key = if fresh { number } else { 0 };
        let request = Request::post("/payments")
            .header("content-type", "application/json")
            .header("idempotency-key", format!("8e03978e-40d5-43dd-bc93-{key:012}"))
            .body(Body::from(body.clone()))?;
        let response = router.clone().oneshot(request).await?;
        ensure!(response.status() == StatusCode::CREATED, "status {}", response.status());
        axum::body::to_bytes(response.into_body(), usize::MAX).await?;
    }
    Ok(())
}

/// The instructions of a process.
struct Count {
    all: u64,
    /// Those of SHA-256.
    sha: u64,
}

fn count(variant: &str, keys: &str, requests: u64) -> anyhow::Result<Count> {
    let profile = std::env::temp_dir().join(format!("idem-instructions-{}", std::process::id()));
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(std::env::current_exe().context("no path to this program")?)
        .args(["send", variant, keys, &requests.to_string()])
        .output()
        .context("cannot start valgrind; install the package `valgrind`")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let count = read(&profile);
    std::fs::remove_file(&profile)?;
    count
}

fn read(profile: &Path) -> anyhow::Result<Count> {
    let output = Command::new("callgrind_annotate")
        .args(["--threshold=100", "--show-percs=no", "--auto=no"])
        .arg(profile)
        .output()
        .context("cannot start callgrind_annotate")?;
    let lines = String::from_utf8(output.stdout)?;
    let number = |line: &str| -> Option<u64> {
        line.split_whitespace().next()?.replace(',', "").parse().ok()
    };
    let all = lines.lines().find(|line| line.contains("PROGRAM TOTALS")).and_then(number);
    let sha = lines.lines().filter(|line| line.contains("sha2::") || line.contains("sha256"));
    Ok(Count { all: all.context("no total in the profile")?, sha: sha.filter_map(number).sum() })
}
