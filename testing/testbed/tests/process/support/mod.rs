//! What the tests are written with.

mod bed;
mod history;
mod kind;
mod own;
pub(crate) mod report;
mod request;
mod response;
mod server;
mod suite;

pub(crate) use bed::{Bed, proxy_before};
pub(crate) use history::Tally;
pub(crate) use kind::{Framework, Store};
pub(crate) use own::OwnServer;
pub(crate) use request::Request;
pub(crate) use response::{Problem, Response};
pub(crate) use server::Server;
pub(crate) use suite::{on_one_thread, row, rows};
