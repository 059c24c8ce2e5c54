//! The callers: fixed bearer tokens. Only the token determines the tenant.

use std::num::NonZeroU32;

use idem_core::{ScopeParts, ScopeValue};

/// The principal behind a token.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The tenant of the user.
    pub tenant: Tenant,
    /// The user.
    pub user: User,
    may_pay: bool,
}

/// A tenant, which owns payments.
#[derive(Clone, Copy, Debug)]
pub struct Tenant(&'static str);

/// A user of a tenant.
#[derive(Clone, Copy, Debug)]
pub struct User(Tenant, &'static str);

/// The quota of the tenant `flood`, in live keys.
const FLOOD_QUOTA: NonZeroU32 = NonZeroU32::new(5).unwrap();

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.0);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        (self.0 == "flood").then_some(FLOOD_QUOTA)
    }
}

impl ScopeValue for User {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.write_parts(parts);
        parts.push(self.1);
    }
}

impl Caller {
    /// Returns the caller of a request, from its method and the value of `Authorization`.
    ///
    /// # Errors
    /// The status of the refusal: 401 without a known token, 403 if the caller may only read.
    pub fn of(method: &str, authorization: Option<&[u8]>) -> Result<Self, u16> {
        let token =
            authorization.and_then(|field| field.strip_prefix(b"Bearer ")).ok_or(401_u16)?;
        let caller = Self::by_token(token).ok_or(401_u16)?;
        let reads = matches!(method, "GET" | "HEAD" | "OPTIONS");
        if caller.may_pay || reads { Ok(caller) } else { Err(403) }
    }

    fn by_token(token: &[u8]) -> Option<Self> {
        let (tenant, user) = match token {
            b"alice" | b"alice-rot" => ("acme", "alice"),
            b"bob" => ("acme", "bob"),
            b"eve" => ("acme", "eve"),
            b"carol" => ("globex", "carol"),
            b"inj1" => ("a", "inj1"),
            b"inj2" => ("a:b", "inj2"),
            b"flood" => ("flood", "flood"),
            _ => return None,
        };
        let tenant = Tenant(tenant);
        Some(Self { tenant, user: User(tenant, user), may_pay: user != "eve" })
    }
}
