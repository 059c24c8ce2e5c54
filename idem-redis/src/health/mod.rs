//! Checks the server's configuration for settings that can lose acknowledged writes, and detects losses.

mod info;
mod issue;
mod monitor;

pub(crate) use info::Info;
pub use issue::HealthIssue;
pub(crate) use monitor::{HealthMonitor, log_at_start, watch};
