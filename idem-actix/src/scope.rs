//! The framework's extractor that the attribute's `scope` can name.

use std::num::NonZeroU32;

use actix_web::web::ReqData;
use idem_core::http::ProvidesScope;
use idem_core::{ScopeParts, ScopeValue};

/// The source of a scope: what a middleware put into the request's extensions.
pub enum InExtension {}

impl<T: ScopeValue + Clone + 'static> ProvidesScope<InExtension> for ReqData<T> {
    fn write_scope(&self, parts: &mut ScopeParts) {
        (**self).write_parts(parts);
    }

    fn quota(&self) -> Option<NonZeroU32> {
        (**self).quota()
    }
}
