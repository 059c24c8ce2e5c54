//! The caller's side: requests by a library, sockets of our own where a client must misbehave.

mod response;
mod problem;
mod raw;
mod request;
mod send;

pub use response::Response;
pub use problem::Problem;
pub use raw::{Closing, Raw};
pub use request::Request;
