//! Where a guarded function finds its `Idempotency`.

use crate::args::Args;
use crate::bindings;
use crate::expression::Expression;
use crate::report::Report;
use crate::signature::Handler;
use crate::symbol::{HANDLE, Symbol};
use proc_macro2::Ident;
use syn::{Expr, PatType, Type};

/// The expression that yields the handle: the one that the attribute names, or the parameter of that type.
pub(crate) fn find(args: &Args, handler: &Handler, report: &mut Report) -> Option<Expr> {
    if !args.is_missing(Symbol::Idempotency) {
        let text = args.text(Symbol::Idempotency)?;
        let named = report.keep(Expression::parse(text, handler, Symbol::Idempotency, None))?;
        return Some(named.expr);
    }
    report.keep(among_parameters(handler))
}

fn among_parameters(handler: &Handler) -> syn::Result<Expr> {
    let function = handler.name();
    let mut handles = handler.parameters().filter(|parameter| is_handle(&parameter.ty));
    let Some(handle) = handles.next() else {
        let message = format!(
            "`{function}` has no `{HANDLE}`; add a parameter `idempotency: &{HANDLE}`, or write where it \
             is, such as `{}`",
            Symbol::Idempotency.example()
        );
        return Err(syn::Error::new_spanned(function, message));
    };
    if let Some(other) = handles.next() {
        let message = format!(
            "`{function}` has two parameters of type `{HANDLE}`; write `idempotency = \"…\"` with the name \
             of the one to use"
        );
        return Err(syn::Error::new_spanned(other, message));
    }
    let Some(name) = bindings::names(&handle.pat).into_iter().next() else {
        let message = format!("this `{HANDLE}` has no name; write `idempotency: &{HANDLE}`");
        return Err(syn::Error::new_spanned(handle, message));
    };
    Ok(syn::parse_quote!(#name))
}

/// The names of parameters that are handles: they say nothing about the call.
pub(crate) fn names(handler: &Handler) -> Vec<Ident> {
    let is_handle = |parameter: &&PatType| is_handle(&parameter.ty);
    let handles = handler.parameters().filter(is_handle);
    handles.flat_map(|parameter| bindings::names(&parameter.pat)).collect()
}

/// `Idempotency`, by whatever path, or a reference to it.
fn is_handle(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == HANDLE),
        Type::Reference(reference) => is_handle(&reference.elem),
        Type::Paren(paren) => is_handle(&paren.elem),
        Type::Group(group) => is_handle(&group.elem),
        _ => false,
    }
}
