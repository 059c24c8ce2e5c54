//! The problems that a health check can find.

/// A setting or event of a server that can lose acknowledged writes.
///
/// [Store checks](idem_core::rules::guarantees#store-checks) lists how the store reacts to each of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthIssue {
    /// The eviction policy allows the server to evict live records. Each evicted record can lead to a
    /// second effect. Holds the value of `maxmemory-policy`.
    #[error("`maxmemory-policy` is `{0}`, which can evict live records; set it to `noeviction`")]
    EvictionPolicy(String),
    /// Keys were evicted since the first check of this store. Holds their number, summed over the nodes of
    /// a Cluster.
    #[error(
        "{0} keys were evicted since the first check; a request whose record was evicted can run again"
    )]
    KeysEvicted(u64),
    /// The server is a replica, which does not accept writes.
    #[error("the server is a replica; connect to the primary, or through Sentinel")]
    Replica,
    /// The server is older than Redis 7, which introduced script flags and `NX` together with `GET`. Holds
    /// its version.
    #[error("server version `{0}` is not supported; use Redis 7 or later, or Valkey")]
    UnsupportedVersion(String),
    /// The server keeps no append-only file.
    #[error(
        "the append-only file is off: a restart loses the writes after the last snapshot; set `appendonly yes`"
    )]
    NoAppendOnlyFile,
    /// An acknowledged write is gone, because of a failover, a restart or `FLUSHALL`. Every later check of
    /// the same store reports this too.
    #[error(
        "acknowledged writes were lost (failover, restart or FLUSHALL); requests whose records were lost can run again"
    )]
    WritesLost,
}

impl HealthIssue {
    /// Whether a new store must refuse to start.
    pub(crate) const fn is_fatal(&self) -> bool {
        matches!(self, Self::EvictionPolicy(_) | Self::Replica | Self::UnsupportedVersion(_))
    }
}
