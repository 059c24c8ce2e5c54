//! The policy of a guarded function, as a constant expression.

use super::parts::at;
use crate::attribute::{Attribute, Guarantee, KeyFormat, KeySource};
use crate::parse::duration::DurationLit;
use crate::parse::expression::Fingerprint;
use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::Path;

/// `const { &Policy::new(ttl, guarantee).with_…(…) }`, with one setter for each argument that was written.
///
/// A named policy is checked when it is evaluated. rustc evaluates a `const` block of a generic function only where the function
/// is used, and an item always. The item is in a block of its own, because the user's function could see it.
pub(crate) fn policy(private: &TokenStream, attribute: &Attribute) -> TokenStream {
    let setters = setters(private, attribute);
    let site = Span::mixed_site();
    if let Some(path) = &attribute.policy {
        let policy = named(private, attribute, path, &setters);
        return quote_spanned! {site=>
            {
                const __POLICY: &#private::Policy = &#policy;
                __POLICY
            }
        };
    }
    let guarantee = attribute.guarantee.unwrap_or(Guarantee::AtMostOnce);
    let guarantee = self::guarantee(private, guarantee);
    let ttl = attribute.ttl.iter().map(duration);
    quote_spanned!(site=> const { &#private::Policy::new(#(#ttl,)* #guarantee) #setters })
}

/// `Policy::named(crate::PAYMENTS).with_ttl(ttl).with_…(…).checked()`. Each call has the location of its argument, where
/// rustc reports a check that fails.
fn named(
    private: &TokenStream,
    attribute: &Attribute,
    path: &Path,
    setters: &TokenStream,
) -> TokenStream {
    let guarantee =
        attribute.guarantee.iter().map(|guarantee| self::guarantee(private, *guarantee));
    let ttl = attribute.ttl.as_ref().map(|ttl| setter("with_ttl", ttl)).into_iter();
    let recover = attribute
        .recover
        .iter()
        .map(|recover| quote_spanned!(at(&recover.expr)=> .checked_for_recover()));
    let attempts = attribute
        .max_attempts
        .iter()
        .map(|attempts| quote_spanned!(at(attempts)=> .checked_for_attempts()));
    quote_spanned! {at(path)=>
        #private::Policy::named(#path)
            #(.with_guarantee(#guarantee))*
            #(#ttl)*
            #setters
            .checked()
            #(#recover)*
            #(#attempts)*
    }
}

fn setters(private: &TokenStream, attribute: &Attribute) -> TokenStream {
    let site = Span::mixed_site();
    let durations = [
        ("with_hold", &attribute.hold),
        ("with_settle", &attribute.settle),
        ("with_lease", &attribute.lease),
        ("with_wait", &attribute.wait),
        ("with_max_run", &attribute.max_run),
    ];
    let durations =
        durations.into_iter().filter_map(|(name, duration)| Some(setter(name, duration.as_ref()?)));
    let max_attempts = attribute.max_attempts.iter();
    let operation = attribute.operation.iter();
    let fingerprint = match attribute.fingerprint {
        Fingerprint::Default => None,
        Fingerprint::Raw => Some(quote_spanned!(site=> .with_raw_fingerprint())),
        Fingerprint::Of(_) => Some(quote_spanned!(site=> .with_argument_fingerprint())),
    };
    let key = key_source(private, &attribute.key);
    let format = attribute.format.map(|format| key_format(private, format));
    let max_age = attribute.max_age.as_ref().map(|max_age| setter("with_max_age", max_age));
    quote_spanned! {site=>
        #(#durations)*
        #(.with_max_attempts(#max_attempts))*
        #(.with_operation(#operation))*
        #fingerprint
        #key
        #format
        #max_age
    }
}

/// `.with_key_syntax(syntax)` and `.with_optional_key()`, as far as they were written, or `.with_argument_key()`.
fn key_source(private: &TokenStream, source: &KeySource) -> TokenStream {
    let site = Span::mixed_site();
    match *source {
        KeySource::Argument(_) => quote_spanned!(site=> .with_argument_key()),
        KeySource::Header { optional, strict } => {
            let name = |strict| if strict { "Strict" } else { "Lenient" };
            let syntax = strict.map(|strict| format_ident!("{}", name(strict), span = site));
            let syntax = syntax.into_iter();
            let optional = optional.then(|| quote_spanned!(site=> .with_optional_key()));
            quote_spanned! {site=>
                #(.with_key_syntax(#private::KeySyntax::#syntax))*
                #optional
            }
        }
    }
}

/// `.with_key_format(format)`
fn key_format(private: &TokenStream, format: KeyFormat) -> TokenStream {
    let site = Span::mixed_site();
    match format {
        KeyFormat::Uuid => quote_spanned!(site=> .with_key_format(#private::KeyFormat::Uuid)),
        KeyFormat::UuidV7 => quote_spanned!(site=> .with_key_format(#private::KeyFormat::UuidV7)),
    }
}

fn guarantee(private: &TokenStream, guarantee: Guarantee) -> TokenStream {
    let site = Span::mixed_site();
    match guarantee {
        Guarantee::AtMostOnce => quote_spanned!(site=> #private::Guarantee::AtMostOnce),
        Guarantee::AtLeastOnce => quote_spanned!(site=> #private::Guarantee::AtLeastOnce),
    }
}

/// `.with_wait(duration)`, at the location of the argument.
fn setter(name: &str, literal: &DurationLit) -> TokenStream {
    let site = at(&literal.literal);
    let (name, duration) = (format_ident!("{name}", span = site), duration(literal));
    quote_spanned!(site=> .#name(#duration))
}

fn duration(literal: &DurationLit) -> TokenStream {
    let millis = Literal::u64_suffixed(literal.millis());
    quote_spanned!(Span::mixed_site()=> ::core::time::Duration::from_millis(#millis))
}
