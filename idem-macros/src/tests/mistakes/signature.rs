//! The signature of an HTTP handler.

use super::{assert_starts, messages_for, signature};
use crate::target::Target;
use quote::quote;

#[test]
fn a_handler_has_no_qualifiers_and_is_not_variadic() {
    for (item, expected) in [
        (
            quote!(
                const async fn f(tenant: T) {}
            ),
            "a handler cannot be `const`; remove `const`",
        ),
        (
            quote!(
                async fn f(tenant: T, rest: ...) {}
            ),
            "a handler cannot be variadic; write each parameter",
        ),
    ] {
        assert_eq!(signature(&item), [expected]);
    }
}

#[test]
fn the_inner_types_of_a_parameter_are_checked() {
    for (ty, start) in [
        (quote!((T, Vec<Self>)), "a handler cannot use `Self`"),
        (quote!(Option<impl Body>), "the type of a parameter cannot be `impl Trait`"),
        (quote!((u8, impl Body)), "the type of a parameter cannot be `impl Trait`"),
    ] {
        let item = quote!(async fn f(tenant: T, body: #ty) {});
        assert_starts(&signature(&item), [start]);
    }
}

#[test]
fn a_parameter_has_no_cfg_attr() {
    let item = quote!(
        async fn f(#[cfg_attr(test, allow(unused))] tenant: T) {}
    );
    assert_starts(&signature(&item), ["`#[cfg]` is not supported on handler parameters"]);
}

#[test]
fn a_handler_may_be_generic() {
    let item = quote!(
        async fn f<T: Repo, const N: usize>(tenant: T)
        where
            T: Clone,
        {
        }
    );
    for target in [Target::Axum, Target::Actix] {
        let args = quote!(ttl = "24h", scope = "tenant");
        assert_eq!(messages_for(target, args, &item), [""; 0]);
    }
}
