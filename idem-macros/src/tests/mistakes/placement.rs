//! The place of the attribute, and the item that is emitted after a compile error.

use super::{assert_starts, messages_for, signature};
use crate::target::Target;
use crate::tests::expand;
use quote::{ToTokens, quote};

#[test]
fn the_attribute_is_recognized_under_any_path() {
    let twice = signature(&quote!(
        #[idem_axum::idempotent(ttl = "1h")]
        async fn f(tenant: T) {}
    ));
    assert_starts(&twice, ["`#[idempotent]` is written twice"]);
}

#[test]
fn the_attribute_goes_below_a_route_macro() {
    for (path, start) in [
        (quote!(actix_web::post), "`#[idempotent]` is above `#[post]`"),
        (quote!(route), "`#[idempotent]` is above `#[route]`"),
    ] {
        let item = quote!(#[#path("/")] async fn f(tenant: T) -> A {});
        let args = quote!(ttl = "24h", scope = "tenant");
        assert_starts(&messages_for(Target::Actix, args, &item), [start]);
        // axum has no route macros.
        assert_eq!(signature(&item), [""; 0]);
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
    let actix = quote!(
        async fn create(app: web::Data<App>, payment: web::Json<New>) -> Receipt {}
    );
    let function = quote!(
        async fn create(idempotency: &Idempotency, order: u64) -> Result<(), E> {}
    );
    let wrong = || quote!(optinal, ttl = "24");
    for (target, start) in [
        (Target::Function, "`web::Data<App>` is an extractor, and this is the attribute for"),
        (Target::Axum, "`web::Data<App>` is an extractor of actix-web"),
    ] {
        assert_starts(&messages_for(target, wrong(), &actix), [start]);
    }
    let expected = "a handler gets its `Idempotency` from the app's data, so remove the parameter; for a plain \
                    function, import `idempotent` from `idem_core`";
    assert_eq!(messages_for(Target::Actix, wrong(), &function), [expected]);
    let args = quote!(ttl = "24h", scope = "app");
    assert_eq!(messages_for(Target::Actix, args, &actix), [""; 0]);
}
