//! The client: requests by a library, and plain sockets where a client must misbehave.

mod problem;
mod raw;
mod request;
mod response;
mod send;

use std::time::Duration;

pub use problem::Problem;
pub use raw::{Closing, Raw, post};
pub use request::{Request, payment};
pub use response::Response;
pub use send::Open;

/// The time after which a client opens a new connection.
const MAX_IDLE: Duration = Duration::from_secs(1);

/// Returns the builder of a client that closes idle connections early. Otherwise the server could close one while a request
/// is on its way.
pub fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().pool_idle_timeout(MAX_IDLE)
}
