//! The mistake that makes all other messages misleading: the attribute is of another crate than the function needs, or
//! another macro has replaced the function.

use crate::arg_name::ArgName;
use crate::parse::args::Args;
use crate::parse::handle_param;
use crate::parse::handler::Handler;
use crate::parse::suggest;
use crate::target::Target;
use syn::{Pat, PatType, Path, Type};

/// Returns the one error to report in place of all others.
pub(crate) fn check(args: &Args, handler: &Handler, target: Target) -> syn::Result<()> {
    let mut lifetimes = handler.sig.generics.lifetimes();
    if lifetimes.any(|lifetime| lifetime.lifetime.ident == "async_trait") {
        let message = "`#[async_trait]` has replaced the `async fn`; write the attribute on a free `async fn`, \
                       and call it from the method";
        return Err(syn::Error::new_spanned(handler.name(), message));
    }
    if target == Target::Function {
        is_no_handler(args, handler)
    } else {
        has_no_handle(handler, target)?;
        handler.parameters().try_for_each(|parameter| is_of(parameter, target))
    }
}

/// An HTTP handler with the attribute for plain functions.
fn is_no_handler(args: &Args, handler: &Handler) -> syn::Result<()> {
    if !handle_param::names(handler).is_empty() || !args.is_missing(ArgName::Idempotency) {
        return Ok(());
    }
    let Some(parameter) = handler.parameters().find(|parameter| framework(parameter).is_some())
    else {
        return Ok(());
    };
    let ty = suggest::source(&parameter.ty);
    let message = format!(
        "`{ty}` is an extractor, and this is the attribute for plain functions; import `idempotent` from \
         `idem_axum` or `idem_actix`"
    );
    Err(syn::Error::new_spanned(&parameter.ty, message))
}

/// A plain function with the attribute for HTTP handlers.
fn has_no_handle(handler: &Handler, target: Target) -> syn::Result<()> {
    let Some(parameter) = handle_param::parameter(handler) else {
        return Ok(());
    };
    let source = match target {
        Target::Axum => "the router's state",
        Target::Actix | Target::Function => "the app's data",
    };
    let message = format!(
        "a handler gets its `Idempotency` from {source}, so remove the parameter; for a plain function, import \
         `idempotent` from `idem_core`"
    );
    Err(syn::Error::new_spanned(parameter, message))
}

/// A handler with the attribute for another framework.
fn is_of(parameter: &PatType, target: Target) -> syn::Result<()> {
    let (other, krate) = match (framework(parameter), target) {
        (Some(Framework::Actix), Target::Axum) => ("actix-web", "idem_actix"),
        (Some(Framework::Axum), Target::Actix) => ("axum", "idem_axum"),
        _ => return Ok(()),
    };
    let ty = suggest::source(&parameter.ty);
    let message = format!("`{ty}` is an extractor of {other}; import `idempotent` from `{krate}`");
    Err(syn::Error::new_spanned(&parameter.ty, message))
}

#[derive(PartialEq, Eq)]
enum Framework {
    Axum,
    Actix,
    Either,
}

/// The framework of an extractor that is written as its documentation does. `None` if the type may be another one.
fn framework(parameter: &PatType) -> Option<Framework> {
    const BOTH: &[&str] = &["Json", "Path", "Query", "Form"];
    const ACTIX: &[&str] = &["Data", "Payload", "ReqData"];
    let Type::Path(ty) = &*parameter.ty else { return None };
    let segments: Vec<_> =
        ty.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let last = segments.last()?.as_str();
    match (&segments[..segments.len() - 1], last) {
        ([krate, ..], _) if krate == "axum" => Some(Framework::Axum),
        ([krate, ..], _) if krate == "actix_web" => Some(Framework::Actix),
        ([module], _) if module == "web" && [BOTH, ACTIX].concat().contains(&last) => {
            Some(Framework::Actix)
        }
        ([], "State" | "Extension") if is_destructured(&parameter.pat, &ty.path) => {
            Some(Framework::Axum)
        }
        ([], "HttpRequest") => Some(Framework::Actix),
        ([], _) if BOTH.contains(&last) => Some(Framework::Either),
        _ => None,
    }
}

/// Whether the pattern takes the value out of the extractor: `State(app): State<App>`.
fn is_destructured(pat: &Pat, ty: &Path) -> bool {
    match pat {
        Pat::TupleStruct(pat) => {
            let names = (pat.path.segments.last(), ty.segments.last());
            matches!(names, (Some(pat), Some(ty)) if pat.ident == ty.ident)
        }
        _ => false,
    }
}
