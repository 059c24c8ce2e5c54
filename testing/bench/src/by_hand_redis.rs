//! Claims and completions on Redis by hand, with the client library only: `SET NX GET`, then a script that
//! compares the owner.

use bytes::Bytes;
use idem_axum::redis::deadpool_redis::redis::aio::MultiplexedConnection;
use idem_axum::redis::deadpool_redis::redis::{
    Client, RedisError, RedisResult, Script, Value, cmd, from_redis_value,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

const COMPLETE: &str = "
    if redis.call('GETRANGE', KEYS[1], 1, 16) == ARGV[1] then
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
        return 1
    end
    return 0";

/// A shared connection. A value consists of a state, an owner, a fingerprint and a response.
#[derive(Clone)]
pub struct ByHand {
    connection: MultiplexedConnection,
    complete: Box<str>,
}

/// The outcome of a claim.
#[derive(Debug)]
pub enum ClaimOutcome {
    /// The key was new and is claimed.
    Claimed,
    /// Another run is active.
    Running,
    /// The fingerprint and the response of a completed run.
    Completed([u8; 32], Bytes),
}

impl ByHand {
    /// Connects to the server at `url`.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub async fn connect(url: &str) -> RedisResult<Self> {
        let client = Client::open(url)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let load: String =
            cmd("SCRIPT").arg("LOAD").arg(COMPLETE).query_async(&mut connection).await?;
        debug_assert_eq!(load, Script::new(COMPLETE).get_hash());
        Ok(Self { connection, complete: load.into() })
    }

    /// Claims a key.
    ///
    /// # Errors
    /// If Redis fails.
    pub async fn claim(
        &self,
        key: &str,
        owner: &[u8; 16],
        fingerprint: &[u8; 32],
    ) -> RedisResult<ClaimOutcome> {
        let mut set = cmd("SET");
        set.arg(key).arg(value(b'r', owner, fingerprint, b"")).arg("NX").arg("GET");
        set.arg("PX").arg(DAY_MS);
        match self.connection.clone().send_packed_command(&set).await? {
            Value::Nil => Ok(ClaimOutcome::Claimed),
            Value::BulkString(found) if found[0] == b'r' => Ok(ClaimOutcome::Running),
            Value::BulkString(found) => {
                let found = Bytes::from(found);
                let fingerprint = std::array::from_fn(|n| found[17 + n]);
                Ok(ClaimOutcome::Completed(fingerprint, found.slice(49..)))
            }
            other => Err(RedisError::from(
                from_redis_value::<()>(other).err().unwrap_or_else(|| "unexpected reply".into()),
            )),
        }
    }

    /// Stores the response if the owner still holds the key.
    ///
    /// # Errors
    /// If Redis fails.
    pub async fn complete(
        &self,
        key: &str,
        owner: &[u8; 16],
        fingerprint: &[u8; 32],
        response: &[u8],
    ) -> RedisResult<bool> {
        let mut call = cmd("EVALSHA");
        call.arg(&*self.complete).arg(1).arg(key).arg(&owner[..]);
        call.arg(value(b'd', owner, fingerprint, response)).arg(DAY_MS);
        let reply = self.connection.clone().send_packed_command(&call).await?.extract_error()?;
        Ok(from_redis_value::<i32>(reply)? == 1)
    }
}

fn value(state: u8, owner: &[u8], fingerprint: &[u8], response: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(49 + response.len());
    value.push(state);
    value.extend(owner);
    value.extend(fingerprint);
    value.extend(response);
    value
}
