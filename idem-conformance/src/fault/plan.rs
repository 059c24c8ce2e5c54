//! The faults, and the calls that they are planned for.

/// A fault that is injected into a store call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The call is rejected immediately and not applied, as by a closed port.
    Down,
    /// The call is neither applied nor answered, as if all packets were dropped.
    Hang,
    /// The call is applied and fails with
    /// [`StoreErrorKind::Unknown`](idem_core::store::StoreErrorKind::Unknown), as when the connection breaks.
    LostReply,
    /// The call is applied and never answered, as if the reply was lost without an error.
    NoReply,
    /// The call is held until [`Faults::deliver`](super::Faults::deliver), then applied and answered, as on a
    /// congested network.
    Late,
    /// The call is applied twice, as by a driver that retries. The reply is that of the second time.
    Twice,
}

/// The faults that are planned for the calls of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    /// The fault of every call.
    pub(super) permanent: Option<Fault>,
    /// The fault of the next calls, in place of the permanent one.
    pub(super) next: Option<Fault>,
    /// The number of calls that `next` applies to.
    pub(super) left: u32,
}

impl Plan {
    pub(super) const fn draw(&mut self) -> Option<Fault> {
        if self.left == 0 {
            return self.permanent;
        }
        self.left -= 1;
        self.next
    }
}
