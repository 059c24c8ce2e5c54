//! Checks the server's configuration for settings that can lose acknowledged writes.

mod issue;
mod monitor;

pub use issue::HealthIssue;
pub(crate) use monitor::{check, log, watch};
