//! Refusals as responses, in a format of the service's choice
//! ([formats of refusals](crate::rules::semantics#formats-of-refusals)).

mod formats;
mod problem;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::headers::is_replayed;
use crate::http::REFUSED;
use crate::model::{Headers, RecordId, StoredResponse};

pub use formats::{AcpFormat, IcebergFormat, StripeFormat};
pub use problem::ProblemFormat;
pub(crate) use problem::{detail, internal_error, title};

/// A refusal, as a [`RefusalFormat`] renders it. The adapters also put it into the extensions of the response, so that layers
/// can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusalDetails {
    /// The name of the refusal, such as `key-reused`. All names are in
    /// [problem documents](crate::rules::semantics#problem-documents).
    pub slug: &'static str,
    /// The HTTP status. A format may send another one.
    pub status: u16,
    /// A short text, equal for all refusals with this slug.
    pub title: &'static str,
    /// The advice for the client. It contains neither the key nor stored data.
    pub detail: Cow<'static, str>,
    /// Whether the same request can succeed later without a change.
    pub retryable: bool,
    /// The time after which the request should be sent again, in whole seconds, if it is retryable.
    pub retry_after: Option<Duration>,
    /// The record of the key. `None` if the request was refused before key, scope and operation were known.
    pub record: Option<RecordId>,
    /// The name of the request header that carries the key, in lower case.
    pub header: Box<str>,
    /// The name of the operation, such as `POST /payments`.
    pub operation: Box<str>,
    /// The `type` of the problem document: the base of the [builder](crate::IdempotencyBuilder::problem_base) and the slug.
    pub problem_type: Box<str>,
}

/// Renders refusals as responses. Set by [`IdempotencyBuilder::refusal_format`](crate::IdempotencyBuilder::refusal_format).
///
/// Implemented for functions and closures:
///
/// ```
/// use idem_core::{Idempotency, MemoryStore};
/// use idem_core::http::RefusalDetails;
/// use idem_core::store::StoredResponse;
///
/// let idempotency = Idempotency::builder(MemoryStore::new())
///     .refusal_format(|refusal: &RefusalDetails| {
///         let body = serde_json::json!({ "error": refusal.slug, "message": refusal.detail });
///         StoredResponse::json(refusal.status, &body)
///     })
///     .build();
/// ```
///
/// idem sets `Cache-Control: no-store`, `Idempotency-Refused`, and `Retry-After` if the refusal is retryable. Headers that are
/// [never stored](crate::rules::semantics#stored-headers), such as `Set-Cookie`, are removed.
pub trait RefusalFormat: Send + Sync + 'static {
    /// Returns the response. Its status must be 400 to 599, and its body must not be empty. Otherwise, and if the function
    /// panics, the client gets the [problem document](ProblemFormat), and an error is logged.
    ///
    /// # Errors
    /// If the body cannot be written as JSON.
    fn format(&self, refusal: &RefusalDetails) -> serde_json::Result<StoredResponse>;
}

impl<F> RefusalFormat for F
where
    F: Fn(&RefusalDetails) -> serde_json::Result<StoredResponse> + Send + Sync + 'static,
{
    fn format(&self, refusal: &RefusalDetails) -> serde_json::Result<StoredResponse> {
        self(refusal)
    }
}

/// The format of a service.
#[derive(Clone)]
pub(crate) struct Format(Arc<dyn RefusalFormat>);

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Format(..)")
    }
}

impl Default for Format {
    fn default() -> Self {
        Self::new(ProblemFormat)
    }
}

impl Format {
    pub(crate) fn new(format: impl RefusalFormat) -> Self {
        Self(Arc::new(format))
    }

    /// Renders a refusal, as a problem document if the format fails.
    pub(crate) fn render(&self, refusal: &RefusalDetails) -> StoredResponse {
        let rendered = catch_unwind(AssertUnwindSafe(|| self.0.format(refusal)));
        let failure = match rendered {
            Ok(Ok(response)) if !(400..600).contains(&response.status) => {
                format!("its status is {}, and must be 400 to 599", response.status)
            }
            Ok(Ok(response)) if response.body.is_empty() => "its body is empty".to_owned(),
            Ok(Ok(response)) => return complete(response, refusal),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("it panicked: {}", text(&*panic)),
        };
        let RefusalDetails { slug, operation, .. } = refusal;
        tracing::error!(
            operation,
            slug,
            failure,
            "the refusal format failed, so the client gets a problem document"
        );
        complete(problem::document(refusal), refusal)
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// Sets the headers that all refusals have.
fn complete(response: StoredResponse, refusal: &RefusalDetails) -> StoredResponse {
    let mut fields: Vec<(String, Vec<u8>)> = response
        .headers
        .iter()
        .filter_map(|(name, value)| Some((str::from_utf8(name).ok()?.to_ascii_lowercase(), value)))
        .filter(|(name, _)| name != "cache-control" && is_replayed(name))
        .map(|(name, value)| (name, value.to_vec()))
        .collect();
    fields.push(("cache-control".to_owned(), b"no-store".to_vec()));
    fields.push((REFUSED.to_owned(), refusal.slug.as_bytes().to_vec()));
    if let Some(delay) = refusal.retry_after {
        fields.push(("retry-after".to_owned(), delay.as_secs().to_string().into_bytes()));
    }
    let headers: Headers =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    StoredResponse { headers, ..response }
}
