//! The annotated function. Its attributes, visibility and signature are parsed; its body is not.

use super::bindings;
use crate::arg_name::ATTRIBUTE;
use proc_macro2::{Group, Ident};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, GenericParam, PatType, Signature, Token, Visibility};

/// The annotated function.
pub(crate) struct Handler {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// Not parsed, so that an incomplete body gets rustc's own error and never one of this attribute.
    pub(crate) body: Group,
}

impl Handler {
    /// The name of the function.
    pub(crate) fn name(&self) -> &Ident {
        &self.sig.ident
    }

    /// The names that the parameters bind, including `self`.
    pub(crate) fn names(&self) -> impl Iterator<Item = Ident> {
        let receiver = self.sig.receiver().map(|receiver| receiver.self_token.into());
        let bound = self.parameters().flat_map(|parameter| bindings::names(&parameter.pat));
        receiver.into_iter().chain(bound)
    }

    /// Whether the function has type or const parameters of its own.
    pub(crate) fn is_generic(&self) -> bool {
        let is_lifetime = |param: &GenericParam| matches!(param, GenericParam::Lifetime(_));
        !self.sig.generics.params.iter().all(is_lifetime)
    }

    /// The parameters in order, without `self`.
    pub(crate) fn parameters(&self) -> impl DoubleEndedIterator<Item = &PatType> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(parameter) => Some(parameter),
            FnArg::Receiver(_) => None,
        })
    }
}

impl Parse for Handler {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if !starts_a_function(input)? {
            let message =
                format!("`#[{ATTRIBUTE}]` works only on an `async fn`; move it to the handler");
            return Err(input.error(message));
        }
        let sig = input.parse()?;
        if !input.peek(syn::token::Brace) {
            return Err(input.error("the function has no body; write one between `{` and `}`"));
        }
        let body = input.parse()?;
        Ok(Self { attrs, vis, sig, body })
    }
}

fn starts_a_function(input: ParseStream<'_>) -> syn::Result<bool> {
    let ahead = input.fork();
    ahead.parse::<Option<Token![const]>>()?;
    ahead.parse::<Option<Token![async]>>()?;
    ahead.parse::<Option<Token![unsafe]>>()?;
    ahead.parse::<Option<syn::Abi>>()?;
    Ok(ahead.peek(Token![fn]))
}

/// Whether `attr` is `#[idempotent]`, under any path.
pub(crate) fn is_idempotent(attr: &Attribute) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|segment| segment.ident == ATTRIBUTE)
}
