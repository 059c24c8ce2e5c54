//! Errors of Redis, and whether the command they belong to may have been applied.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::PoolError;
use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};
use idem_core::store::StoreError;
use tokio::time::error::Elapsed;

/// The codes of error replies after which nothing was changed. Every other failure may hide a change: a
/// proxy can reply with codes of its own.
const REFUSALS: [&str; 16] = [
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "NOSCRIPT",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "WRONGPASS",
];

/// A command that failed: the server rejected it, or its reply was lost.
#[derive(Debug, thiserror::Error)]
#[error("command failed on {server}")]
pub(crate) struct CommandError {
    server: Arc<str>,
    source: RedisError,
}

impl CommandError {
    pub(crate) fn new(server: &Arc<str>, source: RedisError) -> Self {
        Self { server: Arc::clone(server), source }
    }

    /// Whether the server does not have the script that it was asked to run.
    pub(crate) fn is_missing_script(&self) -> bool {
        self.source.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
    }
}

/// *Corrupt* for a key of another type, *not done* for a reply after which nothing was changed, and
/// *unknown* for everything else. No error means that the key is free.
impl From<CommandError> for StoreError {
    fn from(error: CommandError) -> Self {
        match error.source.code() {
            Some("WRONGTYPE") => Self::corrupt(error),
            Some(code) if REFUSALS.contains(&code) => Self::not_done(error),
            _ => Self::unknown(error),
        }
    }
}

/// Whether the connection that returned `error` must be replaced: it is broken or silent, or its server
/// no longer accepts writes.
pub(crate) fn breaks_connection(error: &RedisError) -> bool {
    let is_demoted = matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
    );
    is_demoted || error.is_io_error() || error.is_unrecoverable_error()
}

/// The error that the client returns for a reply that is late.
pub(crate) fn timed_out(elapsed: Elapsed) -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, elapsed).into()
}

/// The pool did not provide a connection.
#[derive(Debug, thiserror::Error)]
#[error("cannot get a connection to {server}")]
pub(crate) struct NoConnection {
    pub(crate) server: Arc<str>,
    pub(crate) source: PoolError,
}

/// A reply that the store does not understand. Holds the command.
#[derive(Debug, thiserror::Error)]
#[error("unexpected reply from Redis to {0}")]
pub(crate) struct UnexpectedReply(pub(crate) &'static str);

/// A value that this store did not write.
#[derive(Debug, thiserror::Error)]
#[error("the key does not contain an idem record of layout 1; another program may have written it")]
pub(crate) struct NotARecord;

/// Fewer replicas than required acknowledged a write in time.
#[derive(Debug, thiserror::Error)]
#[error("{acknowledged} of {required} required replicas acknowledged the write within {timeout:?}")]
pub(crate) struct TooFewReplicas {
    pub(crate) acknowledged: u64,
    pub(crate) required: u32,
    pub(crate) timeout: Duration,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deadpool_redis::redis::parse_redis_value;
    use idem_core::store::StoreErrorKind;

    use super::*;

    fn reply(line: &str) -> RedisError {
        parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap().extract_error().unwrap_err()
    }

    fn kind(error: RedisError) -> StoreErrorKind {
        StoreError::from(CommandError::new(&Arc::from("Redis at 10.0.0.1:6379"), error)).kind()
    }

    /// The texts are those of Redis 7 and Valkey 8.
    #[test]
    fn every_refusal_is_not_done() {
        for line in [
            "MOVED 3999 127.0.0.1:6381",
            "ASK 3999 127.0.0.1:6381",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "CLUSTERDOWN The cluster is down",
            "CROSSSLOT Keys in request don't hash to the same slot",
            "READONLY You can't write against a read only replica.",
            "LOADING Redis is loading the dataset in memory",
            "BUSY Redis is busy running a script.",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "NOREPLICAS Not enough good replicas to write.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "MISCONF Errors writing to the AOF file: No space left on device",
            "NOSCRIPT No matching script. Please use EVAL.",
            "NOAUTH Authentication required.",
            "NOPERM User default has no permissions to run the 'set' command",
            "WRONGPASS invalid username-password pair or user is disabled.",
        ] {
            assert_eq!(kind(reply(line)), StoreErrorKind::NotDone, "{line}");
        }
    }

    #[test]
    fn error_that_may_hide_a_change_is_unknown() {
        for line in ["ERR upstream failure", "ERR unknown command 'SET'", "WHATEVER a proxy says"] {
            assert_eq!(kind(reply(line)), StoreErrorKind::Unknown, "{line}");
        }
        for cause in [
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::TimedOut,
            io::ErrorKind::UnexpectedEof,
        ] {
            let error = RedisError::from(io::Error::from(cause));
            assert!(breaks_connection(&error), "{cause}");
            assert_eq!(kind(error), StoreErrorKind::Unknown, "{cause}");
        }
    }

    #[test]
    fn key_of_another_type_is_corrupt() {
        let wrong_type = reply("WRONGTYPE Operation against a key holding the wrong kind of value");
        assert!(!breaks_connection(&wrong_type));
        assert_eq!(kind(wrong_type), StoreErrorKind::Corrupt);
    }

    #[test]
    fn connection_to_demoted_server_is_replaced() {
        assert!(breaks_connection(&reply("READONLY You can't write against a read only replica.")));
        assert!(!breaks_connection(&reply("OOM command not allowed")));
    }
}
