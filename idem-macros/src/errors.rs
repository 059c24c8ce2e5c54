//! A list of compile errors. It lets one compilation report every mistake in an attribute.

use quote::ToTokens;
use std::fmt::Display;

/// The compile errors found so far in one attribute and its function.
///
/// # Panics
/// In debug builds, if it is dropped without a call of [`finish`](Self::finish): its errors would be lost.
#[must_use = "call `finish` to report the errors"]
pub(crate) struct Errors {
    found: Option<syn::Error>,
    finished: bool,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: None, finished: false }
    }

    /// Adds an error at `tokens`. The message has the form "what is wrong; what to write instead".
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error that has its span already.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.found {
            Some(found) => found.combine(error),
            None => self.found = Some(error),
        }
    }

    /// Returns the value of `result`. If it is an error, adds the error and returns `None`.
    pub(crate) fn collect<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Forgets the errors, which another error explains.
    pub(crate) fn discard(mut self) {
        self.finished = true;
    }

    /// Returns all errors combined, or `Ok` if there are none.
    pub(crate) fn finish(mut self) -> syn::Result<()> {
        self.finished = true;
        self.found.take().map_or(Ok(()), Err)
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        debug_assert!(
            self.finished || std::thread::panicking(),
            "`Errors` was dropped without `finish`"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn all_errors_are_reported_in_order() {
        let mut errors = Errors::new();
        errors.add(quote::quote!(a), "first");
        assert_eq!(errors.collect(Ok(7)), Some(7));
        let second: syn::Result<()> = Err(syn::Error::new(Span::call_site(), "second"));
        assert_eq!(errors.collect(second), None);
        let messages: Vec<_> = match errors.finish() {
            Ok(()) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.to_string()).collect(),
        };
        assert_eq!(messages, ["first", "second"]);
    }

    #[test]
    fn no_error_is_a_success() {
        assert!(Errors::new().finish().is_ok());
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "dropped without `finish`")]
    fn dropping_without_finish_panics() {
        drop(Errors::new());
    }
}
