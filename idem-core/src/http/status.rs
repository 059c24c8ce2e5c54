//! The status of a key as a response: what a retry of the request would get.

use std::time::Duration;

use super::Scope;
use crate::engine::{Idempotency, KeyStatus};
use crate::model::{
    Extras, Headers, IdempotencyKey, Operation, Refusal, Rejection, StoredResponse,
};

/// The longest wait that a client can ask for.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// Returns the response to a request for the status of a key: the stored response, which the adapter marks as a replay, with
/// `Cache-Control: no-store` in place of its own.
///
/// `key` is the key itself, without the quotes of the header. `prefer` contains the lines of the `Prefer` header: with
/// `wait=10` (RFC 7240), the response waits up to 10 s for the end of an active run, and at most 30 s.
///
/// # Errors
/// The refusal that a retry would get, [`Rejection::KeyUnknown`] if nothing is recorded under the key, and
/// [`Rejection::KeyInvalid`] if the key is malformed. Also those of [`Idempotency::status`].
pub async fn status_response<'a>(
    idempotency: &Idempotency,
    operation: &Operation<'_>,
    scope: Scope,
    key: &str,
    prefer: impl Iterator<Item = &'a [u8]>,
) -> Result<StoredResponse, Refusal> {
    let key = IdempotencyKey::new(key).map_err(Rejection::from)?;
    let wait = preferred_wait(prefer);
    let status = idempotency.status(operation, scope, &key, wait.unwrap_or_default()).await?;
    let record = scope.id().map(|scope| idempotency.record_id(operation.words(), scope, &key));
    let rejection = match status {
        KeyStatus::Completed(response) => return Ok(uncached(response, wait)),
        KeyStatus::Absent => return Err(Rejection::KeyUnknown.into()),
        KeyStatus::Running => Rejection::InProgress,
        KeyStatus::NotRetained { status } => Rejection::ResultUnavailable { status },
        KeyStatus::Unknown { retry_after, .. } => Rejection::OutcomeUnknown { retry_after },
    };
    Err(match record {
        Some(record) => Refusal::of(rejection, record, &Extras::new(operation.words(), None)),
        None => rejection.into(),
    })
}

/// Returns the response for a client that asked for it: a cache must not keep it, because the next status can differ.
fn uncached(response: StoredResponse, wait: Option<Duration>) -> StoredResponse {
    let applied = wait.map(|wait| format!("wait={}", wait.as_secs()));
    let stored: Vec<_> = response.headers.iter().collect();
    let kept = stored
        .iter()
        .filter_map(|(name, value)| Some((str::from_utf8(name).ok()?, value.as_ref())))
        .filter(|(name, _)| *name != "cache-control");
    let own = [("cache-control", &b"no-store"[..])].into_iter();
    let applied = applied.iter().map(|applied| ("preference-applied", applied.as_bytes()));
    let headers: Headers = kept.chain(own).chain(applied).collect();
    StoredResponse { headers, ..response }
}

/// The first valid `wait` of the `Prefer` header, at most [`MAX_WAIT`].
fn preferred_wait<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Duration> {
    let preferences = lines.filter_map(|line| str::from_utf8(line).ok());
    preferences.flat_map(|line| line.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| Duration::from_secs(seconds).min(MAX_WAIT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_found_among_other_preferences_and_limited() {
        let wait = |lines: &[&str]| preferred_wait(lines.iter().map(|line| line.as_bytes()));
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(wait(&["wait=10"]), seconds(10));
        assert_eq!(wait(&["respond-async, Wait = \"5\"; foo"]), seconds(5));
        assert_eq!(wait(&["return=minimal", "wait=3"]), seconds(3));
        assert_eq!(wait(&["wait=3600"]), seconds(30));
        for none in [&[][..], &["wait"], &["wait=soon"], &["wait=-1"], &["waiting=3"], &["x\u{e9}"]]
        {
            assert_eq!(wait(none), None, "{none:?}");
        }
    }
}
