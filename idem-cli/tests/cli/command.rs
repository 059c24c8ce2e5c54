//! The command without a terminal.

use std::process::{Command, Stdio};

use serde_json::Value;

/// What the command printed.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Returns the JSON objects of the output.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// Runs the command without a terminal.
pub(crate) fn idem(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_idem"))
        .args(arguments)
        .env_remove("IDEM_STORE")
        .env_remove("IDEM_SECRET")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Output { code: output.status.code().unwrap(), stdout, stderr }
}
