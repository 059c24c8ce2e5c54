//! The callers: fixed bearer tokens of several tenants and users.

use std::num::NonZeroU32;

use idem_core::{ScopeParts, ScopeValue};

/// The principal behind a token.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The tenant that owns the payments.
    pub tenant: Tenant,
    /// The user of the tenant who pays.
    pub user: User,
}

/// A tenant. `flood` may have five live keys, and `blank` has an empty name.
#[derive(Clone, Copy, Debug)]
pub struct Tenant(&'static str);

/// A user of a tenant.
#[derive(Clone, Copy, Debug)]
pub struct User {
    tenant: Tenant,
    name: &'static str,
}

impl ScopeValue for Tenant {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.0);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        (self.0 == "flood").then_some(const { NonZeroU32::new(5).unwrap() })
    }
}

impl ScopeValue for User {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.tenant.write_parts(parts);
        parts.push(self.name);
    }
}

impl Caller {
    /// Returns the caller, from the value of `Authorization`.
    ///
    /// # Errors
    /// The status of the refusal: 401 without a known token, 403 for a caller who may only read.
    ///
    /// # Panics
    /// For the token `bomb`.
    pub fn authorize(authorization: Option<&[u8]>) -> Result<Self, u16> {
        let token =
            authorization.and_then(|field| field.strip_prefix(b"Bearer ")).ok_or(401_u16)?;
        let (tenant, name) = match token {
            b"alice" | b"alice-rot" => ("acme", "alice"),
            b"bob" => ("acme", "bob"),
            b"carol" => ("globex", "carol"),
            b"inj1" => ("a", "inj1"),
            b"inj2" => ("a:b", "inj2"),
            b"flood" => ("flood", "flood"),
            b"blank" => ("", "blank"),
            b"bomb" => panic!("the extractor panics as instructed"),
            b"eve" => return Err(403),
            _ => return Err(401),
        };
        let tenant = Tenant(tenant);
        Ok(Self { tenant, user: User { tenant, name } })
    }
}
