//! The command is killed between its steps: either nothing was changed, or the change is in the audit log.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use idem_core::UnknownReason;
use idem_testkit::servers::Proxy;

use crate::service::{Kind, Service, on_every_store};

/// The time limit for the server to work off what it got.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The moment at which the command is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Before the server gets these bytes.
    Before,
    /// After the server has got them, and before its reply arrives.
    After,
}

/// What is left.
#[derive(Debug, PartialEq)]
struct Left {
    is_changed: bool,
    outcomes: Vec<String>,
}

/// Resolves a record through a proxy, and kills the command with SIGKILL at a moment.
fn kill(service: &Service, proxy: &Proxy, action: &[&str], moment: Moment, bytes: &[u8]) {
    match moment {
        Moment::Before => proxy.hold(bytes),
        Moment::After => proxy.silence_after(bytes),
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_idem"));
    command.args(service.arguments_through(proxy.port())).args(action);
    command.args(["--reason", "looked-up", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    service.block_on(proxy.triggered());
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Reads what is left, again while the server still works off what it got.
fn left(service: &Service, id: &str, expected: &Left) -> Left {
    let started = Instant::now();
    loop {
        let outcomes = service.idem(&["audit", id, "--json"]).json();
        let outcomes = outcomes.iter().map(|entry| entry["outcome"].as_str().unwrap().to_owned());
        let outcomes = outcomes.collect();
        let is_changed = service.idem(&["show", id]).code == 1;
        let left = Left { is_changed, outcomes };
        if left == *expected || started.elapsed() > MAX_WAIT {
            return left;
        }
    }
}

#[test]
fn killed_change_is_made_and_traced_or_not_made() {
    on_every_store(|service| {
        let Some(port) = service.port() else { return };
        let proxy = service.block_on(Proxy::before(port));
        // The script is loaded on Redis by the first use.
        let first = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let release = ["resolve", &first, "release", "--reason", "x", "--yes"];
        assert_eq!(service.idem(&release).code, 0);
        for is_eviction in [false, true] {
            for (moment, step, is_changed, outcomes) in cases(service.kind) {
                let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
                let action: &[&str] = match is_eviction {
                    true => &["evict", &id, "--force"],
                    false => &["resolve", &id, "release"],
                };
                let bytes = match step {
                    Step::Text(text) => text.as_bytes().to_vec(),
                    Step::Token => service.token(&id).to_be_bytes().to_vec(),
                };
                kill(service, &proxy, action, *moment, &bytes);
                let expected = Left {
                    is_changed: *is_changed,
                    outcomes: outcomes.iter().map(|outcome| (*outcome).to_owned()).collect(),
                };
                eprintln!("{is_eviction} {moment:?} {step:?}");
                assert_eq!(left(service, &id, &expected), expected);
                proxy.cut();
            }
        }
    });
}

/// A part of the bytes of one step.
#[derive(Debug)]
enum Step {
    Text(&'static str),
    /// The fencing token in 8 bytes, which only the script on Redis gets.
    Token,
}

/// The moments on a store, with what is left after each: whether the record was changed, and the audit log.
fn cases(kind: Kind) -> &'static [(Moment, Step, bool, &'static [&'static str])] {
    use Moment::{After, Before};
    match kind {
        Kind::Redis => &[
            // The intent, the change, and its end.
            (Before, Step::Text("looked-up"), false, &[]),
            (After, Step::Text("looked-up"), false, &["unfinished"]),
            (Before, Step::Token, false, &["unfinished"]),
            (After, Step::Token, true, &["unfinished"]),
            (Before, Step::Text("\r\nintent\r\n"), true, &["unfinished"]),
            (After, Step::Text("\r\nintent\r\n"), true, &["done"]),
        ],
        // One statement, which is prepared first.
        Kind::Postgres => &[
            (Before, Step::Text("idem_records_resolve_1"), false, &[]),
            (After, Step::Text("idem_records_resolve_1"), false, &[]),
            (Before, Step::Text("looked-up"), false, &[]),
            (After, Step::Text("looked-up"), true, &["done"]),
        ],
        Kind::Sqlite => &[],
    }
}
