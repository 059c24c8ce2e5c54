//! The methods that a store passes on unchanged.

/// Implements methods of `IdempotencyStore` by those of the field `store`.
macro_rules! forward {
    (claim) => {
        fn claim(
            &self,
            id: idem_core::store::RecordId,
            request: idem_core::store::ClaimRequest,
        ) -> idem_core::store::StoreFuture<idem_core::store::ClaimOutcome> {
            self.store.claim(id, request)
        }
    };
    (renew) => {
        $crate::support::forward! { @lease renew }
    };
    (resume_run) => {
        $crate::support::forward! { @lease resume_run }
    };
    (@lease $method:ident) => {
        fn $method(
            &self,
            claim: idem_core::store::Claim,
            lease: std::time::Duration,
            hold: std::time::Duration,
        ) -> idem_core::store::StoreFuture<idem_core::store::Update> {
            self.store.$method(claim, lease, hold)
        }
    };
    (complete) => {
        fn complete(
            &self,
            claim: idem_core::store::Claim,
            completion: idem_core::store::Completion,
            retention: std::time::Duration,
        ) -> idem_core::store::StoreFuture<idem_core::store::Update> {
            self.store.complete(claim, completion, retention)
        }
    };
    (release) => {
        fn release(
            &self,
            claim: idem_core::store::Claim,
        ) -> idem_core::store::StoreFuture<idem_core::store::Update> {
            self.store.release(claim)
        }
    };
    (abandon) => {
        fn abandon(
            &self,
            id: idem_core::store::RecordId,
            nonce: idem_core::store::ClaimNonce,
        ) -> idem_core::store::StoreFuture<idem_core::store::Update> {
            self.store.abandon(id, nonce)
        }
    };
    ($($method:ident),+ $(,)?) => {
        $($crate::support::forward! { $method })+
    };
}
pub(crate) use forward;
