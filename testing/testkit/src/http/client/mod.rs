//! The client: requests by a library, and plain sockets where a client must misbehave.

mod problem;
mod raw;
mod request;
mod response;
mod send;

pub use problem::Problem;
pub use raw::{Closing, Raw, post};
pub use request::{Request, payment};
pub use response::Response;
pub use send::Open;
