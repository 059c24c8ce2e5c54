//! The scope values of the standard library, and those of its pointers and tuples.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;

use uuid::Uuid;

use super::{ScopeParts, ScopeValue};

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

impl ScopeValue for Ipv4Addr {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.to_string());
    }
}

/// An IPv4 address that is mapped into IPv6 is written as the IPv4 address.
impl ScopeValue for Ipv6Addr {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.to_canonical().to_string());
    }
}

/// As [`Ipv6Addr`].
impl ScopeValue for IpAddr {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.to_canonical().to_string());
    }
}

/// Written in its 36-character form.
impl ScopeValue for Uuid {
    fn write_parts(&self, parts: &mut ScopeParts) {
        parts.push(self.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
}

/// `Some` has the parts of its value. `None` has none, so the request is refused.
impl<V: ScopeValue> ScopeValue for Option<V> {
    fn write_parts(&self, parts: &mut ScopeParts) {
        if let Some(value) = self {
            value.write_parts(parts);
        }
    }

    fn quota(&self) -> Option<NonZeroU32> {
        self.as_ref()?.quota()
    }
}

/// A scope for handlers that callers without a principal may use, such as guests of a shop: `scope =
/// "OrAnonymous(tenant)"`, where `tenant` is an `Option`.
///
/// `Some` has the parts of its value. All callers with `None` share one scope, so they can replay each other's responses if
/// they guess a key, as with `scope = "global"`. They also share one quota.
#[derive(Clone, Copy, Debug)]
pub struct OrAnonymous<T>(pub T);

impl<V: ScopeValue> ScopeValue for OrAnonymous<Option<V>> {
    fn write_parts(&self, parts: &mut ScopeParts) {
        OrAnonymous(&self.0).write_parts(parts);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        self.0.quota()
    }
}

impl<V: ScopeValue> ScopeValue for OrAnonymous<&Option<V>> {
    fn write_parts(&self, parts: &mut ScopeParts) {
        match self.0 {
            Some(value) => value.write_parts(parts),
            None => parts.write_anonymous(),
        }
    }

    fn quota(&self) -> Option<NonZeroU32> {
        self.0.quota()
    }
}

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
