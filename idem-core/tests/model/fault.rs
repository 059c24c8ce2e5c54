//! The faults of messages.

/// A fault of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The message is applied, and its reply is lost.
    ReplyLost,
    /// The message is applied, its reply arrives, and the message arrives again later.
    Repeated,
    /// The process stops waiting for the reply, and the message arrives later.
    Delayed,
}

/// The ways in which a message and its reply arrive.
pub(crate) const DELIVERIES: [Option<Fault>; 4] =
    [None, Some(Fault::ReplyLost), Some(Fault::Repeated), Some(Fault::Delayed)];
