//! The scope of a key: the principal whose keys are separate from those of others.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use crate::hash::{PartDigest, Secret};

/// A value that identifies the principal whose keys are separate, such as a tenant, a user or an account.
///
/// Two callers share keys exactly if their values write the same parts. Write what identifies the principal, and
/// nothing else. The value must come from authentication, never from a header or a body field that the client
/// chooses: see [scope source](crate::rules::semantics#scope-source).
///
/// Strings and integers implement this trait, and so do references and smart pointers to them, and tuples of up to
/// four values. An integer is written as decimal text, so its type does not matter.
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
    note = "name a field that is a string or an integer (`scope = \"tenant.id\"`), or implement `ScopeValue` for `{Self}`"
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

    fn new() -> Self {
        let mut digest = PartDigest::new(None);
        digest.part(b"value");
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

macro_rules! textual {
    ($($type:ty),+) => {$(
        impl ScopeValue for $type {
            fn write_parts(&self, parts: &mut ScopeParts) {
                parts.push(self.as_bytes());
            }
        }
    )+};
}
textual!(str, String);

/// Integers are written as decimal text, so that the identity depends neither on the type nor on the machine.
macro_rules! numeric {
    ($($type:ty),+) => {$(
        impl ScopeValue for $type {
            fn write_parts(&self, parts: &mut ScopeParts) {
                parts.push(self.to_string());
            }
        }
    )+};
}
numeric!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

macro_rules! pointer {
    ($($type:ty),+) => {$(
        impl<V: ScopeValue + ?Sized> ScopeValue for $type {
            fn write_parts(&self, parts: &mut ScopeParts) {
                (**self).write_parts(parts);
            }

            fn quota(&self) -> Option<NonZeroU32> {
                (**self).quota()
            }
        }
    )+};
}
pointer!(&V, Box<V>, Arc<V>, Rc<V>);

impl<V: ScopeValue + ToOwned + ?Sized> ScopeValue for Cow<'_, V> {
    fn write_parts(&self, parts: &mut ScopeParts) {
        (**self).write_parts(parts);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        (**self).quota()
    }
}

macro_rules! tuple {
    ($($name:ident)+) => {
        impl<$($name: ScopeValue),+> ScopeValue for ($($name,)+) {
            fn write_parts(&self, parts: &mut ScopeParts) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $(parts.push_value($name);)+
            }

            /// Returns the smallest quota of the values.
            fn quota(&self) -> Option<NonZeroU32> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                [$($name.quota()),+].into_iter().flatten().min()
            }
        }
    };
}
// The attribute accepts the same number of parts: `MAX_PARTS` in `idem-macros`.
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn global_differs_from_every_value() {
        assert_ne!(Scope::of("global").id(), Scope::global().id());
        assert!(Scope::global().id().is_some());
    }

    #[test]
    fn pointers_are_transparent() {
        let plain = Scope::of("acme");
        assert_eq!(Scope::of(&String::from("acme")), plain);
        assert_eq!(Scope::of(&Arc::new(String::from("acme"))), plain);
        assert_eq!(Scope::of(&Cow::Borrowed("acme")), plain);
    }
}
