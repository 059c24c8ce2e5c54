//! The example as a user meets it: started as a process, its output read.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

#[test]
fn a_kept_key_charges_once_and_without_it_every_lost_answer_is_a_charge() {
    let output = Command::new(env!("CARGO_BIN_EXE_lost-answers")).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let spans = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}{spans}");

    for (key, charges) in [
        ("one key, kept over all attempts: 201 Created, replayed", 1),
        ("one key, kept over a crash: 201 Created, replayed", 1),
        ("a new key for each attempt: 201 Created, after every lost answer was tried again", 4),
        (
            "no key, and a service that asks for none: 201 Created, after every lost answer was tried again",
            4,
        ),
    ] {
        assert!(told.contains(&format!("{key}\n  charges: {charges}\n")), "{told}");
    }
    for attempt in 1..=4 {
        assert!(spans.contains(&format!("idempotent_attempt{{attempt={attempt} ")), "{spans}");
    }
}
