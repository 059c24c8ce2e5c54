//! The procedural macros behind `#[idempotent]`.
//!
//! This crate is an implementation detail. Import the attribute from `idem_axum`, `idem_actix` or
//! `idem_core`, where it is re-exported as `idempotent` and documented. The expanded code names private
//! paths of these crates, so this crate works only together with the same version of them.

mod arg_name;
mod attribute;
mod check;
mod errors;
mod expand;
mod fallback;
mod parse;
mod resolve;
mod target;

#[cfg(test)]
mod tests;

use crate::errors::Errors;
use crate::parse::args::Args;
use crate::parse::handler::Handler;
use crate::target::Target;

/// `#[idempotent]` for axum handlers, re-exported as `idem_axum::idempotent`.
#[proc_macro_attribute]
pub fn idempotent_axum(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand_attribute(Target::Axum, args.into(), &item.into()).into()
}

/// `#[idempotent]` for actix-web handlers, re-exported as `idem_actix::idempotent`.
#[proc_macro_attribute]
pub fn idempotent_actix(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand_attribute(Target::Actix, args.into(), &item.into()).into()
}

/// `#[idempotent]` for plain async functions, re-exported as `idem_core::idempotent`.
#[proc_macro_attribute]
pub fn idempotent_function(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    expand_attribute(Target::Function, args.into(), &item.into()).into()
}

/// Parses, checks and expands one attribute.
///
/// Returns the guarded function. If the attribute or the function is wrong, returns all compile errors,
/// followed by the item as the user wrote it.
fn expand_attribute(
    target: Target,
    args: proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let handler: Handler = match syn::parse2(item.clone()) {
        Ok(handler) => handler,
        Err(error) => return fallback::item(&error, item),
    };
    let mut errors = Errors::new();
    let args = Args::parse(args, target.arg_names(), &mut errors);
    if let Err(error) = check::import::check(&args, &handler, target) {
        errors.discard();
        return fallback::function(&error, &handler, target);
    }
    let attribute = resolve::attribute(&args, &handler, target, &mut errors);
    check::signature::check(&handler, target, &mut errors);
    match (errors.finish(), attribute) {
        (Ok(()), Some(attribute)) => expand::expand(target, &handler, &attribute),
        (Err(errors), _) => fallback::function(&errors, &handler, target),
        (Ok(()), None) => unreachable!("an argument is missing, but no error was recorded"),
    }
}
