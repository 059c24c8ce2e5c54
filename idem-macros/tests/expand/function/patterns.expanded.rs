async fn handle(
    idempotency: &Idempotency,
    &Event { id, ref tenant, .. }: &Event,
    Shop(shop): Shop,
) -> Result<(), E> {
    let policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtMostOnce,
            )
            .with_argument_key()
    };
    let scope = {
        let tenant = &tenant;
        ::idem_core::__private::Scope::of(tenant)
    };
    let key = {
        let id = &id;
        let shop = &shop;
        ::idem_core::__private::IdempotencyKey::of(&((*id, shop)))
    };
    let call = ::idem_core::__private::Invocation::new(
        &(idempotency),
        policy,
        "handle",
        scope,
        key,
    );
    let body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(returned) =
        ::core::option::Option::None:: < Result < (), E > > { return returned; }
        #[allow(unused_braces)] { act(id, tenant, shop). await } }
    );
    call.run(body).await
}
