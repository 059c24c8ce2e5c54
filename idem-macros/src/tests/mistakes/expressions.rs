//! Expressions over the parameters.

use super::{args, messages, more};
use quote::quote;

#[test]
fn an_expression_uses_a_parameter() {
    let misspelt = "`tenat` is not a parameter of `create`; did you mean `tenant`? write one of: \
                    `app`, `tenant`, `payment`";
    args(quote!(ttl = "24h", scope = "tenat"), misspelt);
    args(quote!(ttl = "24h", scope = "tenant, tenat"), misspelt);
    args(
        quote!(ttl = "24h", scope = "x.tenant"),
        "`x.tenant` does not use a parameter of `create`; write one of: `app`, `tenant`, `payment`",
    );
    more(
        &quote!(key = "event.id"),
        "`event.id` does not use a parameter of `create`; write one of: `app`, `tenant`, `payment`",
    );
    more(
        &quote!(fingerprint = "rav"),
        "`rav` is not a parameter of `create`; write one of: `app`, `tenant`, `payment`",
    );
    more(
        &quote!(recover = "find_charge(provider)"),
        "`find_charge (provider)` does not use a parameter of `create`; write one of: `app`, \
         `tenant`, `payment`",
    );
    more(
        &quote!(label = "order.id"),
        "`order.id` does not use a parameter of `create`; write one of: `app`, `tenant`, `payment`",
    );
    let no_parameters = messages(
        quote!(ttl = "24h", scope = "tenant"),
        &quote!(
            async fn create(_: Tenant) {}
        ),
    );
    assert_eq!(
        no_parameters,
        ["`tenant` is not a parameter of `create`; give `_: Tenant` the name: `tenant: Tenant`"]
    );
    let two = messages(
        quote!(ttl = "24h", scope = "tenant"),
        &quote!(
            async fn create(_: Tenant, _: User) {}
        ),
    );
    let expected = "`tenant` is not a parameter of `create`, which has no named parameters; add one, \
                    or write `scope = \"global\"`";
    assert_eq!(two, [expected]);
    args(
        quote!(ttl = "24h", scope = "\"acme\""),
        "`\"acme\"` is the same for every call; name a parameter, or write `scope = \"global\"`",
    );
    more(&quote!(key = "7"), "`7` is the same for every call; name a parameter");
}

#[test]
fn an_expression_is_valid_rust() {
    args(
        quote!(ttl = "24h", scope = "tenant user"),
        "`tenant user` is not a Rust expression: expected `,`; write one, such as \
         `scope = \"tenant\"`",
    );
}

#[test]
fn a_scope_is_global_or_has_up_to_four_parts() {
    args(
        quote!(ttl = "24h", scope = "tenant, global"),
        "`global` cannot be combined with other parts; write `scope = \"global\"` or remove it from \
         the list",
    );
    args(
        quote!(ttl = "24h", scope = "tenant, payment, tenant, payment, app"),
        "a scope has at most 4 parts; combine several into one type that implements `ScopeValue`",
    );
}

#[test]
fn a_scope_is_not_what_the_client_wrote() {
    for (item, extractor) in [
        (
            quote!(
                async fn create(order: Path<u64>) {}
            ),
            "Path",
        ),
        (
            quote!(
                async fn create(order: axum::extract::Query<Filter>) {}
            ),
            "Query",
        ),
        (
            quote!(
                async fn create(order: Json<New>) {}
            ),
            "Json",
        ),
    ] {
        let expected = format!(
            "`order` is a `{extractor}`, and the client chooses this value; take the scope from \
             authentication, such as the tenant of a token"
        );
        assert_eq!(messages(quote!(ttl = "24h", scope = "order"), &item), [expected]);
        // The value may have been checked against the token by a layer.
        assert_eq!(messages(quote!(ttl = "24h", scope = "order.0"), &item), [""; 0]);
    }
}

#[test]
fn a_scope_has_a_part_that_the_client_did_not_write() {
    let item = quote!(
        async fn create(Path((shop, order)): Path<(u64, u64)>, tenant: Tenant) {}
    );
    let expected = |name| {
        format!(
            "`{name}` comes from a `Path`, and the client chooses this value; take the scope from \
             authentication, such as the tenant of a token"
        )
    };
    let scope = |scope: &str| messages(quote!(ttl = "24h", scope = #scope), &item);
    assert_eq!(scope("shop"), [expected("shop")]);
    assert_eq!(scope("shop, order"), [expected("shop"), expected("order")]);
    for accepted in ["tenant, shop", "shop, tenant.id", "tenant.may_access(shop)"] {
        assert_eq!(scope(accepted), [""; 0], "{accepted}");
    }
}
