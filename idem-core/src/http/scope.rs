//! The values that the attribute's `scope` can name in a handler.

use std::marker::PhantomData;
use std::num::NonZeroU32;

use crate::model::{ScopeParts, ScopeValue};

/// The source `V` of [`ProvidesScope`]: the value itself.
pub enum ByValue {}

/// A value of a handler that can be its scope: every [`ScopeValue`], and the extractor of the framework for what
/// authentication established.
///
/// `V` is the source of the scope. rustc infers it, and it is a parameter because the extractor is a foreign type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as a scope",
    label = "not a `ScopeValue`",
    note = "name a field that is a string or an integer (`scope = \"tenant.id\"`), or append `.to_string()`",
    note = "for a type of your own, implement `ScopeValue`"
)]
pub trait ProvidesScope<V> {
    /// Writes the parts that identify the principal.
    fn write_scope(&self, parts: &mut ScopeParts);

    /// Returns the maximum number of live keys of this principal.
    fn quota(&self) -> Option<NonZeroU32>;
}

impl<T: ScopeValue + ?Sized> ProvidesScope<ByValue> for T {
    fn write_scope(&self, parts: &mut ScopeParts) {
        self.write_parts(parts);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        ScopeValue::quota(self)
    }
}

/// Returns a part of the attribute's `scope` as a [`ScopeValue`].
///
/// The type is opaque, because rustc would report a value that is not a scope once more for a type that depends on it.
pub const fn scope_part<T, V>(value: &T) -> impl ScopeValue + use<'_, T, V>
where
    T: ProvidesScope<V> + ?Sized,
{
    ScopePart(value, PhantomData)
}

struct ScopePart<'a, T: ?Sized, V>(&'a T, PhantomData<V>);

impl<T: ProvidesScope<V> + ?Sized, V> ScopeValue for ScopePart<'_, T, V> {
    fn write_parts(&self, parts: &mut ScopeParts) {
        self.0.write_scope(parts);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        self.0.quota()
    }
}
