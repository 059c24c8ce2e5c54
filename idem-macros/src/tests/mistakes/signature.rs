//! The signature of an HTTP handler.

use super::{messages_for, signature};
use crate::target::Target;
use quote::quote;

#[test]
fn a_handler_is_async_and_has_no_qualifiers() {
    signature(
        &quote!(
            fn f(tenant: T) {}
        ),
        "`f` must be async; write `async fn`",
    );
    signature(
        &quote!(
            async unsafe fn f(tenant: T) {}
        ),
        "a handler cannot be `unsafe`; write an `unsafe` block in its body",
    );
    signature(
        &quote!(
            const async fn f(tenant: T) {}
        ),
        "a handler cannot be `const`; remove `const`",
    );
    signature(
        &quote!(
            async extern "C" fn f(tenant: T) {}
        ),
        "a handler cannot be `extern`; remove `extern \"C\"`",
    );
}

#[test]
fn a_handler_is_a_free_function() {
    signature(
        &quote!(
            async fn f(&self, tenant: T) {}
        ),
        "a handler cannot take `self`; write a free function, and take what it needs as parameters",
    );
    for (input, output) in
        [(quote!(Self), quote!(T)), (quote!(T), quote!(Self)), (quote!((T, Vec<Self>)), quote!(T))]
    {
        signature(
            &quote!(async fn f(tenant: T, body: #input) -> #output {}),
            "a handler cannot use `Self` in its signature; write the name of the type",
        );
    }
}

#[test]
fn a_handler_owns_its_parameters() {
    signature(
        &quote!(
            async fn f<'a>(tenant: T) {}
        ),
        "a handler cannot have the lifetime `'a`, because its extractors own their values; write types \
         without it",
    );
    signature(
        &quote!(
            async fn f(tenant: &Tenant) {}
        ),
        "a handler cannot borrow a parameter, because extractors return owned values; write `Tenant`",
    );
    for hidden in [quote!(impl Body), quote!(Option<impl Body>), quote!((u8, impl Body))] {
        signature(
            &quote!(async fn f(tenant: T, body: #hidden) {}),
            "the type of a parameter cannot be `impl Trait`; write a named type parameter, such as \
             `<R: Repo>`",
        );
    }
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

#[test]
fn a_handler_has_a_fixed_list_of_parameters() {
    signature(
        &quote!(
            async fn f(tenant: T, rest: ...) {}
        ),
        "a handler cannot be variadic; write each parameter",
    );
    for attr in [quote!(cfg(test)), quote!(cfg_attr(test, allow(unused)))] {
        signature(
            &quote!(async fn f(#[#attr] tenant: T) {}),
            "`#[cfg]` is not supported on handler parameters; move it to the function",
        );
    }
    let many = (0..16).map(|n| quote::format_ident!("p{n}"));
    signature(
        &quote!(async fn f(tenant: T, #(#many: T),*) {}),
        "a handler can have at most 16 parameters; combine several into one extractor",
    );
}
