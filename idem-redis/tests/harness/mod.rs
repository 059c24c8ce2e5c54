//! The settings of the stores in tests.

use std::time::Duration;

use idem_redis::{RedisStore, RedisStoreBuilder};

/// The limit for connections and replies. A busy machine takes longer than the default of 1 s, and no rule is about it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A builder for a store whose server is healthy.
pub(crate) fn builder() -> RedisStoreBuilder {
    RedisStore::builder().connect_timeout(TIMEOUT).wait_timeout(TIMEOUT).command_timeout(TIMEOUT)
}
