//! What the tests are written with.

mod answer;
mod bed;
mod history;
mod request;
mod server;
mod suite;

pub(crate) use answer::{Answer, Problem};
pub(crate) use bed::{Bed, Framework, Store};
pub(crate) use request::Request;
pub(crate) use server::Server;
pub(crate) use suite::{rows, run};
