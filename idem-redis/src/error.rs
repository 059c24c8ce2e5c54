//! What a failure of Redis means: "not done", "unknown", or "not a record"; never "free".

use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};
use idem_core::store::StoreError;

/// The codes of error replies after which nothing was changed. All other failures may hide a change:
/// a proxy answers with codes of its own.
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

/// What is known about a command that failed with `error`.
pub(crate) fn of_command(error: RedisError) -> StoreError {
    match error.code() {
        Some("WRONGTYPE") => StoreError::corrupt(error),
        Some(code) if REFUSALS.contains(&code) => StoreError::not_done(error),
        _ => StoreError::unknown(error),
    }
}

/// Whether a connection that answered `error` should be replaced: it is broken or silent, or leads to a
/// server that no longer takes writes.
pub(crate) fn ends_connection(error: &RedisError) -> bool {
    let demoted = matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
    );
    demoted || error.is_io_error() || error.is_unrecoverable_error()
}

/// An answer that no script or command of this store gives.
#[derive(Debug, thiserror::Error)]
#[error("Redis gave an answer that this store does not know")]
pub(crate) struct UnexpectedReply;

/// Fewer replicas than were asked for took a change in time.
#[derive(Debug, thiserror::Error)]
#[error("{taken} replicas took the change in time, of the {wanted} asked for")]
pub(crate) struct TooFewReplicas {
    pub(crate) taken: u64,
    pub(crate) wanted: u32,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io;

    use deadpool_redis::redis::parse_redis_value;
    use idem_core::store::StoreErrorKind;

    use super::*;

    fn reply(line: &str) -> RedisError {
        parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap().extract_error().unwrap_err()
    }

    /// As Redis 7 and Valkey 8 word them.
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
            assert_eq!(of_command(reply(line)).kind(), StoreErrorKind::NotDone, "{line}");
        }
    }

    #[test]
    fn whatever_may_hide_a_change_is_unknown() {
        for line in ["ERR upstream failure", "ERR unknown command 'SET'", "WHATEVER a proxy says"] {
            assert_eq!(of_command(reply(line)).kind(), StoreErrorKind::Unknown, "{line}");
        }
        for kind in [
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::TimedOut,
            io::ErrorKind::UnexpectedEof,
        ] {
            let error = RedisError::from(io::Error::from(kind));
            assert!(ends_connection(&error), "{kind}");
            assert_eq!(of_command(error).kind(), StoreErrorKind::Unknown, "{kind}");
        }
    }

    #[test]
    fn another_type_is_no_record() {
        let wrong = reply("WRONGTYPE Operation against a key holding the wrong kind of value");
        assert!(!ends_connection(&wrong));
        assert_eq!(of_command(wrong).kind(), StoreErrorKind::Corrupt);
    }

    #[test]
    fn demoted_server_is_left() {
        assert!(ends_connection(&reply("READONLY You can't write against a read only replica.")));
        assert!(!ends_connection(&reply("OOM command not allowed")));
    }
}
