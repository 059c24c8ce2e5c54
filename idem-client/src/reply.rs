//! The final reply to an operation.

use reqwest::Response;

/// The server's final reply to an operation. It can have any status: a declined card is a final reply too.
///
/// Forget the key only after the result of the operation is recorded. A rejection such as 401 is sent before
/// the operation is processed. A replayed 5xx reports that the service failed, not that it did nothing.
#[derive(Debug)]
#[must_use = "the reply may be an error response: check its status"]
pub enum Reply {
    /// The response to the last attempt: a success, or an error response to an operation that no earlier
    /// attempt can have carried out. All replies of a service that does not mark replays are fresh.
    Fresh(Response),
    /// The stored response to an earlier attempt, whose own response was lost or not final. It can have any
    /// status, including 500, and stays the reply until the service forgets the key.
    Replayed(Response),
}

impl Reply {
    /// Returns the response, whether fresh or replayed.
    pub const fn response(&self) -> &Response {
        match self {
            Self::Fresh(response) | Self::Replayed(response) => response,
        }
    }

    /// Converts the reply into its response, whether fresh or replayed.
    pub fn into_response(self) -> Response {
        match self {
            Self::Fresh(response) | Self::Replayed(response) => response,
        }
    }

    /// Returns whether the server marked the response as a replay.
    pub const fn is_replayed(&self) -> bool {
        matches!(self, Self::Replayed(_))
    }
}
