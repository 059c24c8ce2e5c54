//! The two ways to complete a run: with the whole new value if its claim is cached, and by changing the stored one
//! otherwise.

use std::time::Duration;

use bytes::BufMut;
use deadpool_redis::redis::{Cmd, RedisWrite};
use idem_core::store::{Claim, Completion, Extras, State, StoreError, Update};

use crate::claim_cache::CachedClaim;
use crate::conn::Connection;
use crate::reply;
use crate::shared::Shared;
use crate::value::{self, PREFIX_LEN, Prefix, claim_bytes};

/// Completes a run. Only the server knows the start of an unknown outcome's silence, so its value is never sent whole.
pub(crate) async fn by_script(
    shared: &Shared,
    connection: &Connection,
    claim: &Claim,
    completion: &Completion,
    retention: Duration,
) -> Result<Update, StoreError> {
    let prefix = Prefix::completed(completion, retention);
    match shared.claims.get(&claim.nonce) {
        Some(cached) if !matches!(completion, Completion::Unknown(_)) => {
            with_cached(shared, connection, claim, completion, &prefix, &cached).await
        }
        // Boxed, because few calls need it: all others stay small.
        _ => Box::pin(with_stored(shared, connection, claim, completion, &prefix)).await,
    }
}

/// Sends the whole new value. The body is copied once, into the command.
async fn with_cached(
    shared: &Shared,
    connection: &Connection,
    claim: &Claim,
    completion: &Completion,
    prefix: &Prefix,
    cached: &CachedClaim,
) -> Result<Update, StoreError> {
    let record = cached.record(claim, completion.clone().into());
    let value_len = PREFIX_LEN + record.encoded_len();
    let add_args = |command: &mut Cmd| {
        command.arg(&value::unawaited(claim, cached)[..]);
        let mut value = command.bufmut_for_next_arg(value_len);
        value.put_slice(&prefix.bytes);
        record.put(&mut value);
        drop(value);
        command.arg(prefix.kept_ms);
    };
    let key = shared.keys.record(claim.id);
    let args_len = 64 + value_len;
    reply::update(shared.scripts.complete.run(connection, &key, args_len, add_args).await?)
}

/// Sends the parts that change. The script takes the rest from the stored value.
async fn with_stored(
    shared: &Shared,
    connection: &Connection,
    claim: &Claim,
    completion: &Completion,
    prefix: &Prefix,
) -> Result<Update, StoreError> {
    let dispute = match completion {
        Completion::Unknown(outcome) => outcome.dispute.as_deref(),
        Completion::Response(_) | Completion::NotRetained { .. } => None,
    };
    let dispute = dispute.map(|text| Extras::default().with_dispute(text)).unwrap_or_default();
    let state = State::from(completion.clone());
    let args_len = 96 + state.tail_len() + dispute.as_bytes().len();
    let add_args = |command: &mut Cmd| {
        command
            .arg(&claim_bytes(claim)[..])
            .arg(&prefix.bytes[..])
            .arg(prefix.kept_ms)
            .arg(state.code());
        state.put_tail(&mut command.bufmut_for_next_arg(state.tail_len()));
        command.arg(&dispute.as_bytes()[..]);
    };
    let key = shared.keys.record(claim.id);
    reply::update(shared.scripts.end_run.run(connection, &key, args_len, add_args).await?)
}
