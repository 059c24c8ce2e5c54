//! What goes wrong, and for how many calls.

/// A fault that is injected into a store call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Rejected at once and not applied, as by a closed port: rows 16, 17, 35, 36 and 40 to
    /// 43.
    Down,
    /// The call is neither applied nor answered, as if all packets were dropped.
    Hang,
    /// Applied, and answered with [`StoreErrorKind::Unknown`](idem_core::store::StoreErrorKind::Unknown), as
    /// when the connection breaks: rows 16, 36, 44 and 45.
    LostReply,
    /// The call is applied and never answered, as if the reply was lost without an error.
    NoReply,
    /// The call is held until [`Faults::deliver`](super::Faults::deliver), then applied and answered, as on a
    /// congested network.
    Late,
    /// The call is applied twice, as by a driver that retries. The reply is that of the second time.
    Twice,
}

/// What is planned for the calls of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    pub(super) standing: Option<Fault>,
    pub(super) next: Option<Fault>,
    pub(super) left: u32,
}

impl Plan {
    pub(super) const fn draw(&mut self) -> Option<Fault> {
        if self.left == 0 {
            return self.standing;
        }
        self.left -= 1;
        self.next
    }
}
