//! Runs the example as a process and checks its output.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

#[test]
fn one_key_charges_once_and_without_it_every_attempt_charges() {
    let output = Command::new(env!("CARGO_BIN_EXE_lost-answers")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let spans = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{printed}{spans}");

    for (key, charges) in [
        ("one key for all attempts: 201 Created, replayed", 1),
        ("one key, kept in a file over a crash: 201 Created, replayed", 1),
        ("a new key for each attempt: 201 Created, after a retry for every lost response", 4),
        (
            "no key, at a service that requires none: 201 Created, after a retry for every lost response",
            4,
        ),
    ] {
        assert!(printed.contains(&format!("{key}\n  charges: {charges}\n")), "{printed}");
    }
    for attempt in 1..=4 {
        assert!(spans.contains(&format!("idempotent_attempt{{attempt={attempt} ")), "{spans}");
    }
}
