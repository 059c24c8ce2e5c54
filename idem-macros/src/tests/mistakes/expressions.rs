//! Expressions over the parameters.

use super::{assert_starts, messages, more, signature};
use quote::quote;

#[test]
fn an_expression_uses_a_parameter() {
    let label = more(&quote!(label = "order.id"));
    assert_starts(&label, ["`order.id` does not use a parameter of `create`"]);
    let two_without_a_name = signature(&quote!(
        async fn create(_: Tenant, _: User) {}
    ));
    assert_starts(
        &two_without_a_name,
        ["`tenant` is not a parameter of `create`, which has no named parameters"],
    );
    let constant = more(&quote!(key = "7"));
    assert_eq!(constant, ["`7` is the same for every call; name a parameter"]);
}

#[test]
fn a_scope_is_not_what_the_client_wrote() {
    for (extractor, start) in [
        (quote!(axum::extract::Query<Filter>), "`order` is a `Query`"),
        (quote!(Json<New>), "`order` is a `Json`"),
    ] {
        let item = quote!(async fn create(order: #extractor) {});
        assert_starts(&messages(quote!(ttl = "24h", scope = "order"), &item), [start]);
        // The value may have been checked against the token by a layer.
        assert_eq!(messages(quote!(ttl = "24h", scope = "order.0"), &item), [""; 0]);
    }
}

#[test]
fn a_scope_has_a_part_that_the_client_did_not_write() {
    let item = quote!(
        async fn create(Path((shop, order)): Path<(u64, u64)>, tenant: Tenant) {}
    );
    let scope = |scope: &str| messages(quote!(ttl = "24h", scope = #scope), &item);
    assert_starts(
        &scope("shop, order"),
        ["`shop` comes from a `Path`", "`order` comes from a `Path`"],
    );
    for accepted in ["tenant, shop", "shop, tenant.id", "tenant.may_access(shop)"] {
        assert_eq!(scope(accepted), [""; 0], "{accepted}");
    }
}
