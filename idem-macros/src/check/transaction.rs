//! The rules for functions that take a transaction (`Tx`).

use crate::arg_name::ArgName;
use crate::attribute::Guarantee;
use crate::errors::Errors;
use crate::parse::args::Args;
use crate::parse::handler::Handler;
use crate::parse::transaction;
use crate::target::Target;
use syn::Type;

/// Checks the parameters of type `Tx`, and the arguments that have no meaning beside one.
pub(crate) fn check(
    args: &Args,
    handler: &Handler,
    target: Target,
    guarantee: Option<Guarantee>,
    errors: &mut Errors,
) {
    let mut transactions = transaction::parameters(handler);
    let Some(first) = transactions.next() else { return };
    for other in transactions {
        let message = "a call has one transaction, which commits with its record; keep one `Tx`";
        errors.add(other, message);
    }
    if !target.is_http() {
        is_owned(handler, errors);
        if transaction::name(handler).is_none() {
            errors.add(first, "the `Tx` has no name; write `mut tx: Tx`");
        }
    }
    if let Some(name) = args.name(ArgName::Optional) {
        let message = "`optional` lets a request without a key run unguarded, where a `Tx` has no transaction; \
                       remove one of the two";
        errors.add(name, message);
    }
    if guarantee == Some(Guarantee::AtLeastOnce)
        && let Some(name) = args.name(ArgName::Guarantee)
    {
        let message = "`guarantee = \"at-least-once\"` has no effect with a `Tx`, which commits once or not at \
                       all; remove one of the two";
        errors.add(name, message);
    }
}

/// The transaction ends when the body drops the `Tx`, so a borrowed one would never be committed.
fn is_owned(handler: &Handler, errors: &mut Errors) {
    for parameter in transaction::parameters(handler) {
        if let Type::Reference(reference) = &*parameter.ty {
            let message = "a function owns its `Tx`, because the transaction ends with the function; write \
                           `mut tx: Tx`, and call it with `Tx::default()`";
            errors.add(reference, message);
        }
    }
}
