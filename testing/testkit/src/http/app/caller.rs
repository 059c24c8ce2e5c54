//! Who calls: fixed bearer tokens, so that scenarios can tell tenants and users apart.

use std::num::NonZeroU32;

use idem_core::{ScopeParts, ScopeValue};

/// The principal behind a token.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Whose payments these are.
    pub tenant: Tenant,
    /// Who in the tenant pays.
    pub user: User,
}

/// A tenant. `flood` may have five live keys at once; `blank` has an empty name.
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
    /// The caller who may pay, from the value of `Authorization`.
    ///
    /// # Errors
    /// The status to answer: 401 without a known token, 403 for one who may only read.
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
            b"bomb" => panic!("the extractor panics as told"),
            b"eve" => return Err(403),
            _ => return Err(401),
        };
        let tenant = Tenant(tenant);
        Ok(Self { tenant, user: User { tenant, name } })
    }
}
