//! Every mistake of one annotation, gathered so that all are shown at once.

use quote::ToTokens;
use std::fmt::Display;

#[derive(Default)]
#[must_use = "mistakes are shown only by `finish`"]
pub(crate) struct Report {
    mistakes: Option<syn::Error>,
}

impl Report {
    /// Records a mistake at `place`: "what is wrong; what to write instead".
    pub(crate) fn at(&mut self, place: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(place, message));
    }

    pub(crate) fn push(&mut self, mistake: syn::Error) {
        match &mut self.mistakes {
            Some(mistakes) => mistakes.combine(mistake),
            None => self.mistakes = Some(mistake),
        }
    }

    /// The value, or nothing and one mistake more.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|mistake| self.push(mistake)).ok()
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.mistakes.map_or(Ok(()), Err)
    }
}
