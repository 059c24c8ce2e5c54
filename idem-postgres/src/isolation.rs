//! Isolation levels of transactions.

/// The isolation level of the transactions of handlers; see
/// [`PostgresStoreBuilder::transaction_isolation`](crate::PostgresStoreBuilder::transaction_isolation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsolationLevel {
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// All statements see what was committed before the first one.
    RepeatableRead,
    /// Transactions have the effect of running one after the other.
    Serializable,
}

impl IsolationLevel {
    pub(crate) const fn begin(self) -> &'static str {
        match self {
            Self::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Self::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Self::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }
}
