//! What an operator sees, and what nobody may see (R40, R43; RELIABILITY 9, row 80).

mod log;
mod secrecy;
mod silence;
mod span;
