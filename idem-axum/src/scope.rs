//! The framework's extractor that the attribute's `scope` can name.

use std::num::NonZeroU32;

use axum::Extension;
use idem_core::http::ProvidesScope;
use idem_core::{ScopeParts, ScopeValue};

/// The source of a scope: what a layer put into the request's extensions.
pub enum InExtension {}

impl<T: ScopeValue> ProvidesScope<InExtension> for Extension<T> {
    fn write_scope(&self, parts: &mut ScopeParts) {
        self.0.write_parts(parts);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        self.0.quota()
    }
}
