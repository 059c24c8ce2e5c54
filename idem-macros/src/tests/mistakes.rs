//! Every message, word for word, and what stands beside it.

use super::{actix, axum, is_mistake};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Item;

fn handler() -> TokenStream {
    quote! {
        async fn create(State(app): State<App>, tenant: Tenant, Json(payment): Json<New>) -> StoredResponse {}
    }
}

fn messages(args: TokenStream, item: &TokenStream) -> Vec<String> {
    let items = axum(args, item).items;
    let mistakes = items.iter().filter(|item| is_mistake(item));
    mistakes.map(message).collect()
}

pub(super) fn message(item: &Item) -> String {
    match item {
        Item::Macro(call) => match syn::parse2::<syn::LitStr>(call.mac.tokens.clone()) {
            Ok(text) => text.value(),
            Err(error) => panic!("{error}"),
        },
        _ => panic!("not a macro call"),
    }
}

/// One mistake in the arguments gives exactly this message.
#[track_caller]
fn args(args: TokenStream, expected: &str) {
    assert_eq!(messages(args, &handler()), [expected]);
}

/// One mistake in the signature gives exactly this message.
#[track_caller]
fn signature(item: &TokenStream, expected: &str) {
    let args = quote!(ttl = "24h", scope = "tenant");
    assert_eq!(messages(args, item), [expected]);
}

/// One mistake beside a good `ttl` and `scope`.
#[track_caller]
fn more(more: &TokenStream, expected: &str) {
    args(quote!(ttl = "24h", scope = "tenant", #more), expected);
}

#[test]
fn keys() {
    let known = "the known keys are: `ttl`, `scope`, `operation`, `key`, `optional`, `guarantee`, \
                 `wait`, `lease`, `max_run`, `max_attempts`, `fingerprint`, `syntax`";
    more(
        &quote!(leese = "30s"),
        &format!("`leese` is not a key of this attribute; did you mean `lease`? {known}"),
    );
    more(
        &quote!(retention = "30s"),
        &format!("`retention` is not a key of this attribute; {known}"),
    );
    more(
        &quote!("24h"),
        &format!(
            "this is no `key = value`; write one of the keys: {}",
            known.trim_start_matches("the known keys are: ")
        ),
    );
    more(&quote!(ttl = "1h"), "`ttl` is written twice; keep one");
    args(quote!(scope = "tenant"), "`ttl` is missing; write `ttl = \"24h\"`");
    args(quote!(ttl = "24h"), "`scope` is missing; write `scope = \"tenant\"`");
}

#[test]
fn a_misspelt_key_is_not_missing_too() {
    for misspelt in [
        quote!(ttl = "24h", scop = "tenant"),
        quote!(tll = "24h", scope = "tenant"),
        quote!(ttl = "24h", scope = "tenant", scop = "tenant"),
        quote!(ttl = "24h", scope = "tenant", guarante = "at-least-once", max_attempts = 3),
    ] {
        let messages = messages(misspelt, &handler());
        assert!(matches!(&messages[..], [one] if one.contains("did you mean")), "{messages:?}");
    }
}

#[test]
fn values() {
    more(&quote!(wait), "`wait` has no value; write `wait = \"3s\"`");
    more(&quote!(wait =), "`wait` has no value; write `wait = \"3s\"`");
    more(&quote!(wait("3s")), "`wait` has no value; write `wait = \"3s\"`");
    more(&quote!(optional = true), "`optional` takes no value; write `optional` alone");
    args(quote!(ttl = 24, scope = "tenant"), "`ttl` takes a string; write `ttl = \"24h\"`");
    args(quote!(ttl = 36h, scope = "tenant"), "`ttl` takes a string; write `ttl = \"36h\"`");
    args(
        quote!(ttl = "24h", scope = user.tenant),
        "`scope` takes a string; write `scope = \"user.tenant\"`",
    );
    args(
        quote!(ttl = "24h", scope = b"tenant"),
        "`scope` takes a string; write `scope = \"tenant\"`",
    );
    args(
        quote!(ttl = "24h", scope = " "),
        "`scope` is empty; write a value, such as `scope = \"tenant\"`",
    );
    more(
        &quote!(operation = ""),
        "`operation` is empty; write a value, such as `operation = \"payments.create\"`",
    );
}

#[test]
fn durations() {
    args(quote!(ttl = "24", scope = "tenant"), "`24` has no unit; write `24s`, `24m` or `24h`");
    more(&quote!(wait = "0s"), "`0s` is no time at all; write more than zero");
    more(
        &quote!(lease = "99ms"),
        "a lease of `99ms` cannot be renewed in time; write at least `100ms`",
    );
    args(
        quote!(ttl = "59s", scope = "tenant", lease = "1m"),
        "a `ttl` of `59s` is shorter than the `lease`; write at least `1m`",
    );
    more(
        &quote!(lease = "16m"),
        "a `lease` of `16m` is longer than `max_run`; write at most `15m`",
    );
    more(
        &quote!(lease = "2m", max_run = "1m"),
        "a `lease` of `2m` is longer than `max_run`; write at most `1m`",
    );
    more(
        &quote!(max_run = "10s"),
        "a `max_run` of `10s` is shorter than the default `lease` of `30s`; write \
         `lease = \"10s\"` or a shorter one too",
    );
}

#[test]
fn words() {
    more(
        &quote!(guarantee = "exactly-once"),
        "`exactly-once` comes from a handler that takes a transaction (`Tx`), not from this key; \
         write `at-most-once` or `at-least-once`",
    );
    more(
        &quote!(guarantee = "once"),
        "`once` is not a guarantee; write `at-most-once` or `at-least-once`",
    );
    more(
        &quote!(syntax = "loose"),
        "`loose` is not a syntax of the key; write `strict` or `lenient`",
    );
}

#[test]
fn attempts() {
    let unused = "`max_attempts` counts the runs of at least once; write \
                  `guarantee = \"at-least-once\"` too, or leave it out";
    more(&quote!(max_attempts = 3), unused);
    more(&quote!(max_attempts = 3, guarantee = "at-most-once"), unused);
    let least = quote!(guarantee = "at-least-once");
    more(
        &quote!(#least, max_attempts = 0),
        "no attempt at all would never run; write `max_attempts = 1` or more",
    );
    more(
        &quote!(#least, max_attempts = "3"),
        "`max_attempts` takes a whole number; write `max_attempts = 3`",
    );
    for too_large in [quote!(4294967296), quote!(99999999999999999999999)] {
        more(
            &quote!(#least, max_attempts = #too_large),
            &format!("`{too_large}` is not a number of attempts; write one from 1 to 4294967295"),
        );
    }
}

#[test]
fn keys_that_make_no_sense_together() {
    more(
        &quote!(key = "payment.id", optional),
        "`optional` is about the header, but `key` takes the key from a parameter; leave one of \
         the two out",
    );
    more(
        &quote!(key = "payment.id", syntax = "lenient"),
        "`syntax` is about the header, but `key` takes the key from a parameter; leave one of \
         the two out",
    );
}

#[test]
fn expressions() {
    let near = "`tenat` names no parameter of `create`; did you mean `tenant`? write one of: \
                `app`, `tenant`, `payment`";
    args(quote!(ttl = "24h", scope = "tenat"), near);
    args(quote!(ttl = "24h", scope = "tenant, tenat"), near);
    args(
        quote!(ttl = "24h", scope = "x.tenant"),
        "`x.tenant` names no parameter of `create`; write one of: `app`, `tenant`, `payment`",
    );
    args(
        quote!(ttl = "24h", scope = "tenant, global"),
        "`global` is one scope for every caller and stands alone; write `scope = \"global\"` or \
         leave it out of the list",
    );
    more(
        &quote!(key = "event.id"),
        "`event.id` names no parameter of `create`; write one of: `app`, `tenant`, `payment`",
    );
    more(
        &quote!(fingerprint = "rav"),
        "`rav` names no parameter of `create`; write one of: `app`, `tenant`, `payment`",
    );
    args(
        quote!(ttl = "24h", scope = "tenant, payment, tenant, payment, app"),
        "a scope has at most 4 parts; put several into one type of your own that is a `ScopeValue`",
    );
    args(
        quote!(ttl = "24h", scope = "tenant user"),
        "`tenant user` is not a Rust expression: expected `,`; write one, such as \
         `scope = \"tenant\"`",
    );
    let none = messages(
        quote!(ttl = "24h", scope = "tenant"),
        &quote!(
            async fn create(_: Tenant) {}
        ),
    );
    let expected = "`tenant` names no parameter of `create`, which binds none; add one, or \
                    `scope = \"global\"`";
    assert_eq!(none, [expected]);
}

#[test]
fn signatures() {
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
        "a handler cannot be `const`; leave the word out",
    );
    signature(
        &quote!(
            async extern "C" fn f(tenant: T) {}
        ),
        "a handler cannot be `extern`; leave the words out",
    );
    signature(
        &quote!(
            async fn f(&self, tenant: T) {}
        ),
        "a handler has no `self`; write a free function and take what it needs as parameters",
    );
    for (input, output) in
        [(quote!(Self), quote!(T)), (quote!(T), quote!(Self)), (quote!((T, Vec<Self>)), quote!(T))]
    {
        signature(
            &quote!(async fn f(tenant: T, body: #input) -> #output {}),
            "a handler cannot say `Self`; write the name of the type",
        );
    }
    for generics in [quote!(<T>), quote!(<'a>), quote!(<const N: usize>)] {
        signature(
            &quote!(async fn f #generics (tenant: T) {}),
            "a handler cannot be generic; write the concrete types",
        );
    }
    signature(
        &quote!(
            async fn f(tenant: T)
            where
                T: Clone,
            {
            }
        ),
        "a handler has no `where` clause; leave it out",
    );
    signature(
        &quote!(
            async fn f(tenant: T, rest: ...) {}
        ),
        "a handler cannot be variadic; write every parameter out",
    );
    for hidden in [quote!(impl Body), quote!(Option<impl Body>), quote!((u8, impl Body))] {
        signature(
            &quote!(async fn f(tenant: T, body: #hidden) {}),
            "`impl Trait` hides the type to extract; write the concrete type",
        );
    }
    for attr in [quote!(cfg(test)), quote!(cfg_attr(test, allow(unused)))] {
        signature(
            &quote!(async fn f(#[#attr] tenant: T) {}),
            "a parameter cannot come and go; put the `cfg` on the whole function",
        );
    }
    let many = (0..16).map(|n| quote::format_ident!("p{n}"));
    signature(
        &quote!(async fn f(tenant: T, #(#many: T),*) {}),
        "a handler takes at most 16 parameters; put several into one type of your own",
    );
}

#[test]
fn placement() {
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
        signature(&item, "`#[idempotent]` goes on an `async fn` handler; move it there");
    }
}

#[test]
fn a_route_macro_goes_above() {
    let args = || quote!(ttl = "24h", scope = "tenant");
    for (path, name) in [
        (quote!(post), "post"),
        (quote!(actix_web::post), "post"),
        (quote!(route), "route"),
        (quote!(routes), "routes"),
    ] {
        let item = quote!(#[#path("/")] async fn f(tenant: T) -> A {});
        let mistakes = actix(args(), &item).items;
        let [mistake] = &mistakes.iter().filter(|item| is_mistake(item)).collect::<Vec<_>>()[..]
        else {
            panic!("{path}")
        };
        let expected = format!(
            "`#[idempotent]` stands above `#[{name}]`, which leaves no function to guard; write \
             it below, next to the function"
        );
        assert_eq!(message(mistake), expected);
        // Axum knows no such attribute.
        assert!(messages(args(), &item).is_empty());
    }
}

#[test]
fn several_at_once() {
    let found = messages(
        quote!(ttl = "24", scop = "tenant", wait = "0s", max_attempts = 0, key = "nobody"),
        &quote!(
            fn create<T>(tenant: T, body: impl Body) {}
        ),
    );
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn a_mistake_leaves_the_function_as_it_was() {
    let function = quote! {
        #[tracing::instrument]
        pub async fn create(tenant: Tenant) -> StoredResponse { half typed. }
    };
    let output = crate::expand::attribute(
        &crate::expand::AXUM,
        quote!(scope = "tenant"),
        &quote!(#[idempotent(ttl = "1h")] #function),
    );
    assert!(output.to_string().ends_with(&function.to_string()), "{output}");
    assert_eq!(output.to_string().matches("idempotent (").count(), 0);
}

#[test]
fn a_mistake_leaves_another_item_as_it_was() {
    let item = axum(
        quote!(),
        &quote!(
            struct S;
        ),
    )
    .items
    .pop();
    assert_eq!(item.to_token_stream().to_string(), "struct S ;");
}

#[test]
fn what_is_allowed_gives_no_message() {
    for args in [
        quote!(ttl = "2s", scope = "tenant"),
        quote!(ttl = "30s", scope = "global", lease = "30s", max_run = "30s",),
        quote!(ttl = "1h", scope = "tenant", lease = "100ms", wait = "1ms"),
        quote!(
            ttl = "1h",
            scope = "tenant",
            guarantee = "at-least-once",
            max_attempts = 4294967295
        ),
        quote!(ttl = "1h", scope = "tenant", syntax = "lenient", optional),
    ] {
        assert!(messages(args.clone(), &handler()).is_empty(), "{args}");
    }
}
