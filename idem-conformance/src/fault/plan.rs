//! What goes wrong, and for how many calls.

/// What happens to a call. The numbers are the rows of RELIABILITY section 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Refused at once and not applied, as by a closed port: rows 16, 17, 35, 36 and 40 to
    /// 43.
    Down,
    /// Neither applied nor answered, ever, as by a black hole: rows 16, 17, 35 and 41.
    Hang,
    /// Applied, and answered with [`StoreErrorKind::Unknown`](idem_core::StoreErrorKind::Unknown), as
    /// when the connection breaks: rows 16, 36, 44 and 45.
    LostReply,
    /// Applied, and never answered, as when the answer is swallowed: rows 36 and 44.
    NoReply,
    /// Held until [`Faults::deliver`](super::Faults::deliver), then applied and answered, as by a
    /// congested network: rows 37 and 45.
    Late,
    /// Applied twice, as by a driver that sends again; the second answer comes: rows 38 and
    /// 44.
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
