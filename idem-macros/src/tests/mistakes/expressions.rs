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
    let expected = "`tenant` is not a parameter of `create`, which has no named parameters; add one, \
                    or write `scope = \"global\"`";
    assert_eq!(no_parameters, [expected]);
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
