//! The reply to `INFO`.

use super::issue::HealthIssue;

/// The text of `INFO`.
pub(crate) struct Info<'a>(pub(crate) &'a str);

impl Info<'_> {
    /// Returns the issues that the configuration shows.
    pub(super) fn issues(&self) -> Vec<HealthIssue> {
        let mut issues = Vec::new();
        let policy = self.get("maxmemory_policy");
        if policy != "noeviction" {
            issues.push(HealthIssue::EvictionPolicy(policy.to_owned()));
        }
        if self.get("role") != "master" {
            issues.push(HealthIssue::Replica);
        }
        let version = self.get("redis_version");
        if version.split('.').next().and_then(|major| major.parse::<u32>().ok()) < Some(7) {
            issues.push(HealthIssue::UnsupportedVersion(version.to_owned()));
        }
        if self.get("aof_enabled") != "1" {
            issues.push(HealthIssue::NoAppendOnlyFile);
        }
        issues
    }

    /// Returns the number of keys that the server evicted since its start.
    pub(super) fn evicted_keys(&self) -> u64 {
        self.get("evicted_keys").parse().unwrap_or(0)
    }

    /// Returns the random number that the server drew at its start.
    pub(crate) fn run_id(&self) -> &str {
        self.get("run_id")
    }

    fn get(&self, name: &str) -> &str {
        let mut lines = self.0.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
    }
}
