//! The scope of a key: the principal whose keys are separate from those of others.

mod values;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::LazyLock;

pub use values::OrAnonymous;

use crate::hash::{PartDigest, Secret};

/// A value that identifies the principal whose keys are separate, such as a tenant, a user or an account.
///
/// Two callers share keys exactly if their values write the same parts. Write what identifies the principal, and
/// nothing else. The value must come from authentication, never from a header or a body field that the client
/// chooses: see [scope source](crate::rules::semantics#scope-source).
///
/// Strings, integers, IP addresses and UUIDs implement this trait, and so do references and smart pointers to them, and
/// tuples of up to four values. An integer is written as decimal text, so its type does not matter. `None` has no parts, so
/// the request of a caller without a principal is refused; [`OrAnonymous`] accepts it.
///
/// ```
/// use idem_core::{ScopeParts, ScopeValue};
///
/// struct Tenant { id: String }
///
/// impl ScopeValue for Tenant {
///     fn write_parts(&self, parts: &mut ScopeParts) {
///         parts.push(&self.id);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a scope",
    label = "not a `ScopeValue`",
    note = "name a field that is a string or an integer (`scope = \"tenant.id\"`), or append `.to_string()`",
    note = "for a type of your own, implement `ScopeValue`"
)]
pub trait ScopeValue {
    /// Writes the parts that identify the principal.
    ///
    /// If no part is written, or one of them is empty or blank, the request is refused with
    /// [`Rejection::ScopeEmpty`](crate::Rejection::ScopeEmpty).
    fn write_parts(&self, parts: &mut ScopeParts);

    /// Returns the maximum number of live keys of this principal. `None` applies the
    /// [quota](crate::IdempotencyBuilder::keys_per_scope) of the builder.
    fn quota(&self) -> Option<NonZeroU32> {
        None
    }
}

/// Collects the parts of a [`ScopeValue`], and hashes them.
pub struct ScopeParts {
    digest: PartDigest,
    count: usize,
    blank: bool,
}

impl ScopeParts {
    /// Adds one part. Parts are hashed with their lengths, so `"a", "b:c"` differs from `"a:b", "c"`.
    pub fn push(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.count += 1;
        self.blank |= part.iter().all(u8::is_ascii_whitespace);
        self.digest.part(part);
    }

    /// Adds all parts of `value` as one, so that they cannot be confused with the parts of the next value.
    fn push_value<V: ScopeValue + ?Sized>(&mut self, value: &V) {
        let mut parts = Self::new();
        value.write_parts(&mut parts);
        self.count += 1;
        self.blank |= !parts.is_valid();
        self.digest.part(&parts.digest.finish());
    }

    /// Replaces all parts by those of callers without a principal. No principal has them, whatever parts it writes.
    fn write_anonymous(&mut self) {
        *self = Self { count: 1, ..Self::of_kind(b"anonymous") };
    }

    fn new() -> Self {
        Self::of_kind(b"value")
    }

    fn of_kind(kind: &[u8]) -> Self {
        let mut digest = PartDigest::new(None);
        digest.part(kind);
        Self { digest, count: 0, blank: false }
    }

    const fn is_valid(&self) -> bool {
        self.count > 0 && !self.blank
    }
}

impl fmt::Debug for ScopeParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeParts").field("count", &self.count).finish_non_exhaustive()
    }
}

/// The scope of a key, as a digest. The principal's name is neither stored nor logged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    id: Option<ScopeId>,
    quota: Option<NonZeroU32>,
    global: bool,
}

/// The identity of a scope within a store. Stores count live keys per scope id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId([u8; 32]);

impl ScopeId {
    /// Restores a scope id from its 32 stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the id that the store gets. With a secret, it is an HMAC, so the scope cannot be guessed from it.
    pub(crate) fn keyed(self, secret: Option<&Secret>) -> Self {
        if secret.is_none() {
            return self;
        }
        let mut digest = PartDigest::new(secret);
        digest.part(&self.0);
        Self(digest.finish())
    }

    /// The bytes of the digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScopeId(..)")
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("empty", &self.id.is_none()).finish_non_exhaustive()
    }
}

impl Scope {
    /// Returns the scope of `value`.
    pub fn of<V: ScopeValue + ?Sized>(value: &V) -> Self {
        let mut parts = ScopeParts::new();
        value.write_parts(&mut parts);
        let id = parts.is_valid().then(|| ScopeId(parts.digest.finish()));
        Self { id, quota: value.quota(), global: false }
    }

    /// Returns the scope that all callers share. Use it only if keys cannot be guessed.
    pub fn global() -> Self {
        static ID: LazyLock<ScopeId> = LazyLock::new(|| {
            let mut digest = PartDigest::new(None);
            digest.part(b"global");
            ScopeId(digest.finish())
        });
        Self { id: Some(*ID), quota: None, global: true }
    }

    /// Returns `None` if the scope value was empty.
    pub(crate) const fn id(&self) -> Option<ScopeId> {
        self.id
    }

    pub(crate) const fn is_global(&self) -> bool {
        self.global
    }

    pub(crate) const fn quota(&self) -> Option<NonZeroU32> {
        self.quota
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_address_is_written_in_its_canonical_form() {
        let golden = Scope::of("192.0.2.1");
        let (v4, mapped) =
            (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        assert_eq!(Scope::of(&v4), golden);
        assert_eq!(
            Scope::of(&mapped),
            golden,
            "a listener on `[::]` reports IPv4 clients like this"
        );
        assert_eq!(Scope::of(&IpAddr::V4(v4)), golden);
        assert_eq!(Scope::of(&IpAddr::V6(mapped)), golden);
        assert_eq!(Scope::of(&Ipv6Addr::LOCALHOST), Scope::of("::1"));
    }

    #[test]
    fn a_uuid_is_written_with_hyphens() {
        let text = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        let uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
        assert_eq!(Scope::of(&uuid), Scope::of(text));
    }

    #[test]
    fn a_missing_principal_has_no_scope_unless_it_may_be_anonymous() {
        let (tenant, none) = (Some("acme"), None::<&str>);
        assert_eq!(Scope::of(&tenant), Scope::of("acme"));
        assert_eq!(Scope::of(&none).id(), None);
        assert_eq!(Scope::of(&(none, "eu")).id(), None);

        assert_eq!(Scope::of(&OrAnonymous(tenant)), Scope::of("acme"));
        assert_eq!(Scope::of(&OrAnonymous(&tenant)), Scope::of("acme"));
        let anonymous = Scope::of(&OrAnonymous(none));
        assert_eq!(Scope::of(&OrAnonymous(&none)), anonymous);
        assert!(anonymous.id().is_some());
        assert_ne!(anonymous, Scope::of("anonymous"));
        assert_ne!(anonymous.id(), Scope::global().id());
        assert_eq!(Scope::of(&OrAnonymous(Some(""))).id(), None, "a blank principal is a mistake");
        let two = Scope::of(&(OrAnonymous(none), "eu"));
        assert!(two.id().is_some());
        assert_ne!(two, Scope::of(&("anonymous", "eu")));
    }

    #[test]
    fn separators_inside_values_do_not_move_the_border() {
        assert_ne!(Scope::of(&("a", "b:c")).id(), Scope::of(&("a:b", "c")).id());
        assert_ne!(Scope::of("ab").id(), Scope::of(&("a", "b")).id());
        assert_ne!(Scope::of("a\0b").id(), Scope::of(&("a", "b")).id());
        assert_ne!(Scope::of("ü").id(), Scope::of("u\u{308}").id());
    }

    #[test]
    fn an_empty_value_has_no_scope() {
        assert_eq!(Scope::of("").id(), None);
        assert_eq!(Scope::of("  ").id(), None);
        assert_eq!(Scope::of(&("tenant", "")).id(), None);
    }

    #[test]
    fn an_integer_is_the_same_principal_at_every_width() {
        let golden = Scope::of("8224");
        assert_eq!(Scope::of(&8224_u16), golden, "both of its bytes are spaces");
        assert_eq!(Scope::of(&8224_u64), golden);
        assert_eq!(Scope::of(&8224_i128), golden);
        assert_eq!(Scope::of(&8224_usize), golden);
        assert_eq!(Scope::of(&8224_isize), golden);
        assert_eq!(Scope::of(&7_u8), Scope::of("7"));
        assert_eq!(Scope::of(&-7_i8), Scope::of("-7"));
    }

    #[test]
    fn parts_of_one_value_are_not_confused_with_parts_of_the_next() {
        struct Parts(&'static [&'static str]);

        impl ScopeValue for Parts {
            fn write_parts(&self, parts: &mut ScopeParts) {
                self.0.iter().for_each(|part| parts.push(part));
            }
        }

        let one = Scope::of(&(Parts(&["x"]), Parts(&["y", "z"])));
        let other = Scope::of(&(Parts(&["x", "y"]), Parts(&["z"])));
        assert_ne!(one, other);
        assert_eq!(Scope::of(&(Parts(&["x"]), Parts(&[]))).id(), None);
    }

    #[test]
    fn identities_are_frozen() {
        let hex = |scope: Scope| {
            let id = scope.id().unwrap();
            id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(
            hex(Scope::global()),
            "dda18578db255831df8b77a840450a8c4ccf3dfae0a6083b058829b6a259bcf0"
        );
        assert_eq!(
            hex(Scope::of("acme")),
            "5e4547551c22c7ec0a9eb197013f8d1cbc8ba91d1e074209ebbb47c69872742f"
        );
        assert_eq!(
            hex(Scope::of(&("acme", 7_u32))),
            "a4dc7dc3b361b009670adaaf857aaba679b50efc933722d2c67b49b71be57a64"
        );
        assert_eq!(
            hex(Scope::of(&OrAnonymous(None::<&str>))),
            "26ac2baf20a18d0f24db625666094863829bafd7313fdcceba4f3e6e0f62e0c2"
        );
    }

    #[test]
    fn global_differs_from_every_value() {
        assert_ne!(Scope::of("global").id(), Scope::global().id());
        assert!(Scope::global().id().is_some());
    }

    #[test]
    fn wrappers_have_the_quota_of_their_value() {
        #[derive(Clone)]
        struct Limited(u32);

        impl ScopeValue for Limited {
            fn write_parts(&self, parts: &mut ScopeParts) {
                parts.push("tenant");
            }

            fn quota(&self) -> Option<NonZeroU32> {
                NonZeroU32::new(self.0)
            }
        }

        let limit = NonZeroU32::new(7);
        assert_eq!(Limited(7).quota(), limit);
        assert_eq!(Some(Limited(7)).quota(), limit);
        assert_eq!(None::<Limited>.quota(), None);
        assert_eq!(OrAnonymous(Some(Limited(7))).quota(), limit);
        assert_eq!(OrAnonymous(&Some(Limited(7))).quota(), limit);
        assert_eq!(Arc::new(Limited(7)).quota(), limit);
        assert_eq!(Cow::Borrowed(&Limited(7)).quota(), limit);
        assert_eq!((Limited(9), "eu", Limited(7)).quota(), limit, "the smallest one");
    }

    #[test]
    fn pointers_are_transparent() {
        let plain = Scope::of("acme");
        assert_eq!(Scope::of(&String::from("acme")), plain);
        assert_eq!(Scope::of(&Arc::new(String::from("acme"))), plain);
        assert_eq!(Scope::of(&Cow::Borrowed("acme")), plain);
    }
}
