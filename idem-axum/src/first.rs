//! The extractor in place of the handler's first parameter, if it has several.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use futures_util::FutureExt;

/// The first parameter. It marks the request before any other parameter is extracted, so that a `Tx` is extracted in guarded
/// handlers alone.
pub struct First<T>(pub T);

/// The mark of a request whose handler is guarded.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy)]
pub(crate) struct GuardedRequest;

impl<T: FromRequestParts<S>, S: Sync> FromRequestParts<S> for First<T> {
    type Rejection = T::Rejection;

    fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Self, T::Rejection>> + Send {
        #[cfg(feature = "postgres")]
        parts.extensions.insert(GuardedRequest);
        T::from_request_parts(parts, state).map(|first| first.map(Self))
    }
}
