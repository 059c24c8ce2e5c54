//! The example as a user meets it: started as a process, its output read.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

#[test]
fn a_kept_key_charges_once_and_none_charges_for_every_lost_answer() {
    let output = Command::new(env!("CARGO_BIN_EXE_lost-answers")).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let spans = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}{spans}");

    let (kept, not_kept) = told.split_once("no key that is kept").unwrap();
    assert!(kept.contains("one key, kept over all attempts: 201 Created, replayed"), "{told}");
    assert!(kept.contains("charges: 1\n"), "{told}");
    assert!(not_kept.contains("charges: 4\n"), "{told}");
    for attempt in 1..=4 {
        assert!(spans.contains(&format!("idempotent_attempt{{attempt={attempt} ")), "{spans}");
    }
}
