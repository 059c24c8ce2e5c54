//! The place of the attribute, and the item that is emitted after a compile error.

use super::{messages, messages_for, signature};
use crate::target::Target;
use crate::tests::expand;
use quote::{ToTokens, quote};

#[test]
fn the_attribute_is_written_once_on_an_async_function() {
    signature(
        &quote!(
            #[idem_axum::idempotent(ttl = "1h")]
            async fn f(tenant: T) {}
        ),
        "`#[idempotent]` is written twice on one function; keep one",
    );
    for item in [
        quote!(
            struct S;
        ),
        quote!(impl S {}),
        quote!(
            mod m {}
        ),
        quote!(
            type F = fn();
        ),
    ] {
        signature(&item, "`#[idempotent]` works only on an `async fn`; move it to the handler");
    }
}

#[test]
fn the_attribute_goes_below_a_route_macro() {
    let args = || quote!(ttl = "24h", scope = "tenant");
    for (path, name) in [
        (quote!(post), "post"),
        (quote!(actix_web::post), "post"),
        (quote!(route), "route"),
        (quote!(routes), "routes"),
    ] {
        let item = quote!(#[#path("/")] async fn f(tenant: T) -> A {});
        let expected = format!(
            "`#[idempotent]` is above `#[{name}]`, which leaves no function to guard; move it below, \
             next to the function"
        );
        assert_eq!(messages_for(Target::Actix, args(), &item), [expected]);
        // axum has no route macros.
        assert!(messages(args(), &item).is_empty());
    }
}

#[test]
fn a_mistake_leaves_the_function_unchanged() {
    let function = quote! {
        #[tracing::instrument]
        pub async fn create(tenant: Tenant) -> StoredResponse { half typed. }
    };
    let output = crate::expand_attribute(
        Target::Axum,
        quote!(scope = "tenant"),
        &quote!(#[idempotent(ttl = "1h")] #function),
    );
    assert!(output.to_string().ends_with(&function.to_string()), "{output}");
    assert_eq!(output.to_string().matches("idempotent (").count(), 0);
}

#[test]
fn a_mistake_leaves_another_item_unchanged() {
    let item = quote!(
        struct S;
    );
    let item = expand(Target::Axum, quote!(), &item).items.pop();
    assert_eq!(item.to_token_stream().to_string(), "struct S ;");
}
