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

#[test]
fn the_attribute_of_another_target_is_one_mistake() {
    let axum = quote!(
        async fn create(State(app): State<App>, Json(payment): Json<New>) -> Receipt {}
    );
    let actix = quote!(
        async fn create(app: web::Data<App>, payment: web::Json<New>) -> Receipt {}
    );
    let function = quote!(
        async fn create(idempotency: &Idempotency, order: u64) -> Result<(), E> {}
    );
    let plain = "is an extractor, and this is the attribute for plain functions; import `idempotent` from \
                 `idem_axum` or `idem_actix`";
    let of =
        |other, krate| format!("is an extractor of {other}; import `idempotent` from `{krate}`");
    let no_handler = |source| {
        format!(
            "a handler gets its `Idempotency` from {source}, so remove the parameter; for a plain function, \
             import `idempotent` from `idem_core`"
        )
    };
    for (target, item, expected) in [
        (Target::Function, &axum, format!("`State<App>` {plain}")),
        (Target::Function, &actix, format!("`web::Data<App>` {plain}")),
        (Target::Actix, &axum, format!("`State<App>` {}", of("axum", "idem_axum"))),
        (Target::Axum, &actix, format!("`web::Data<App>` {}", of("actix-web", "idem_actix"))),
        (Target::Axum, &function, no_handler("the router's state")),
        (Target::Actix, &function, no_handler("the app's data")),
    ] {
        assert_eq!(messages_for(target, quote!(optinal, ttl = "24"), item), [expected]);
    }
    for (target, item) in [(Target::Axum, axum), (Target::Actix, actix)] {
        let args = quote!(ttl = "24h", scope = "app");
        assert_eq!(messages_for(target, args, &item), [""; 0]);
    }
}

#[test]
fn async_trait_leaves_no_function_to_guard() {
    let item = quote!(
        fn create<'life0, 'async_trait>(
            &'life0 self,
        ) -> Pin<Box<dyn Future<Output = ()> + Send + 'async_trait>> {
        }
    );
    let expected = "`#[async_trait]` has replaced the `async fn`; write the attribute on a free `async fn`, \
                    and call it from the method";
    for target in [Target::Axum, Target::Actix, Target::Function] {
        assert_eq!(messages_for(target, quote!(ttl = "24h"), &item), [expected]);
    }
}
