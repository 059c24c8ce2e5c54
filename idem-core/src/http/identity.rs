//! What a guarded request is known by: its key, and what it is compared by.

use crate::engine::{Call, Idempotency};
use crate::http::RequestParts;
use crate::model::{
    Fingerprint, FingerprintInput, FingerprintMode, IdempotencyKey, KeyError, KeySource, Policy,
    Rejection, Scope,
};

/// What a guarded request is known by. Begun with its head, by [`Idempotency::identity`]; what the
/// annotation takes from the arguments is added once they are extracted.
#[derive(Debug)]
pub struct Identity {
    policy: &'static Policy,
    key: Option<Result<IdempotencyKey, KeyError>>,
    compared: Compared,
}

/// What a request is compared by.
#[derive(Debug)]
enum Compared {
    /// Nothing yet.
    Nothing,
    /// What was sent.
    Request(Fingerprint),
    /// What an expression of the attribute yielded.
    Argument(Result<FingerprintInput, serde_json::Error>),
}

impl Identity {
    /// The key comes from an expression of the attribute.
    pub fn set_key(&mut self, key: Result<IdempotencyKey, KeyError>) {
        self.key = Some(key);
    }

    /// The request is compared by an expression of the attribute.
    pub fn set_fingerprint(&mut self, material: Result<FingerprintInput, serde_json::Error>) {
        self.compared = Compared::Argument(material);
    }
}

impl Idempotency {
    /// The identity of a request, as far as its head tells it: `method`, and the `lines` of the field
    /// that [`header`](Self::header) names. `None` if it runs unguarded, because it is safe (R8) or has
    /// no key and needs none (R6).
    ///
    /// # Errors
    /// If the key is missing or malformed (R1-R6).
    pub fn identity<'a>(
        &self,
        policy: &'static Policy,
        method: &str,
        lines: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Identity>, Rejection> {
        if is_safe(method) {
            return Ok(None);
        }
        let key = match policy.key {
            KeySource::Argument => None,
            KeySource::Header { syntax, required } => {
                match IdempotencyKey::from_header(lines, syntax)? {
                    Some(key) => Some(Ok(key)),
                    None if required => return Err(Rejection::KeyMissing),
                    None => return Ok(None),
                }
            }
        };
        Ok(Some(Identity { policy, key, compared: Compared::Nothing }))
    }

    /// Takes the fingerprint of a `request` whose body has arrived, if it is compared as it was sent
    /// (R11).
    pub fn fingerprint(&self, identity: &mut Identity, request: &RequestParts<'_>) {
        if identity.policy.fingerprint != FingerprintMode::Argument {
            let fingerprint = self.fingerprint_request(identity.policy, request);
            identity.compared = Compared::Request(fingerprint);
        }
    }

    /// The call of a request that passed all extractors. `operation` is its method and route template
    /// (R14).
    ///
    /// # Errors
    /// If the scope is empty (R15), or an expression of the attribute yielded no key or no fingerprint.
    pub fn identified_call(
        &self,
        identity: Identity,
        scope: Scope,
        operation: &[&str],
    ) -> Result<Call, Rejection> {
        let Identity { policy, key, compared } = identity;
        let key = key.transpose()?.ok_or(Rejection::KeyMissing)?;
        let fingerprint = match compared {
            Compared::Nothing => None,
            Compared::Request(fingerprint) => Some(fingerprint),
            Compared::Argument(material) => {
                let material = material.map_err(Rejection::FingerprintInvalid)?;
                Some(self.fingerprint_material(&material))
            }
        };
        let call = self.call(policy, operation, scope, &key)?;
        Ok(match fingerprint {
            Some(fingerprint) => call.with_fingerprint(fingerprint),
            None => call,
        })
    }
}

/// Whether a method is safe: such requests bypass the guard, even with a malformed key (R8).
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}
