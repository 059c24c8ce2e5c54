//! What spans and log lines contain, and which secrets they must never contain.

mod log;
mod secrecy;
mod silence;
mod span;
