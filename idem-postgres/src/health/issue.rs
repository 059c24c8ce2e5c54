//! The problems that a health check can find.

/// A setting of a server that breaks a promise of the store.
///
/// [Store checks](idem_core::rules::guarantees#store-checks) lists how the store reacts to each of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthIssue {
    /// The server acknowledges commits before they are durable. A crash loses some of them, and a request
    /// whose claim was lost runs a second time.
    #[error(
        "`synchronous_commit` is `off`: a crash loses acknowledged commits; set it to `on` for the role, the database or the connections of the store"
    )]
    AsynchronousCommit,
    /// The server does not flush its writes to disk.
    #[error("`fsync` is `off`: a crash of the machine can lose or damage all data; set it to `on`")]
    FsyncOff,
    /// The server is a standby, which does not accept writes.
    #[error("the server is a standby; connect to the primary")]
    Standby,
    /// The role of the store lacks privileges on the schema, its tables or its functions.
    #[error("the role of the store lacks privileges; run `{grants}`")]
    Privileges {
        /// The commands that grant them, separated by `; `.
        grants: Box<str>,
    },
    /// The schema does not belong to this version of the store.
    #[error(
        "the schema of the records has version {found}, and this store needs version {needed}; run the migrations, or deploy the version of idem-postgres that made it"
    )]
    Schema {
        /// The version in the database; 0 if there is no schema.
        found: i32,
        /// The version that this store works with.
        needed: i32,
    },
}
