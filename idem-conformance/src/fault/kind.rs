//! The calls of a store, and their counts.

/// A call of an [`IdempotencyStore`](idem_core::store::IdempotencyStore).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`claim`](idem_core::store::IdempotencyStore::claim).
    Claim,
    /// [`renew`](idem_core::store::IdempotencyStore::renew).
    Renew,
    /// [`resume_run`](idem_core::store::IdempotencyStore::resume_run).
    ResumeRun,
    /// [`complete`](idem_core::store::IdempotencyStore::complete).
    Complete,
    /// [`release`](idem_core::store::IdempotencyStore::release).
    Release,
    /// [`abandon`](idem_core::store::IdempotencyStore::abandon).
    Abandon,
    /// [`check`](idem_core::store::IdempotencyStore::check).
    Check,
}

impl Kind {
    /// All calls, for a fault of the whole store.
    pub const ALL: [Self; 7] = [
        Self::Claim,
        Self::Renew,
        Self::ResumeRun,
        Self::Complete,
        Self::Release,
        Self::Abandon,
        Self::Check,
    ];

    /// The calls that end a run.
    pub const ENDS: [Self; 2] = [Self::Complete, Self::Release];
}

/// The number of calls of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// [`Kind::Claim`].
    pub claim: u32,
    /// [`Kind::Renew`].
    pub renew: u32,
    /// [`Kind::ResumeRun`].
    pub resume_run: u32,
    /// [`Kind::Complete`].
    pub complete: u32,
    /// [`Kind::Release`].
    pub release: u32,
    /// [`Kind::Abandon`].
    pub abandon: u32,
    /// [`Kind::Check`].
    pub check: u32,
}

impl Calls {
    /// Returns the number of calls of one kind.
    pub const fn of(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Claim => self.claim,
            Kind::Renew => self.renew,
            Kind::ResumeRun => self.resume_run,
            Kind::Complete => self.complete,
            Kind::Release => self.release,
            Kind::Abandon => self.abandon,
            Kind::Check => self.check,
        }
    }

    /// Returns the number of all calls of requests, which is the number of their round trips to the store.
    pub const fn total(&self) -> u32 {
        self.claim + self.renew + self.resume_run + self.complete + self.release + self.abandon
    }

    pub(super) const fn count(&mut self, kind: Kind) {
        let calls = match kind {
            Kind::Claim => &mut self.claim,
            Kind::Renew => &mut self.renew,
            Kind::ResumeRun => &mut self.resume_run,
            Kind::Complete => &mut self.complete,
            Kind::Release => &mut self.release,
            Kind::Abandon => &mut self.abandon,
            Kind::Check => &mut self.check,
        };
        *calls += 1;
    }
}
