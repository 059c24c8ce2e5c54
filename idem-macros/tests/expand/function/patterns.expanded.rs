async fn handle(
    idempotency: &Idempotency,
    &Event { id, ref tenant, .. }: &Event,
    Shop(shop): Shop,
) -> Result<(), E> {
    let __policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtMostOnce,
            )
            .with_argument_key()
    };
    let __scope = {
        let tenant = &tenant;
        ::idem_core::__private::Scope::of(tenant)
    };
    let __key = {
        let id = &id;
        let shop = &shop;
        ::idem_core::__private::IdempotencyKey::of(&((*id, shop)))
    };
    let __call = ::idem_core::__private::Invocation::new(
        &(idempotency),
        __policy,
        "handle",
        __scope,
        __key,
    );
    let __body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(__returned) =
        ::core::option::Option::None:: < Result < (), E > > { return __returned; }
        '__body : { act(id, tenant, shop). await } }
    );
    let __equality = {
        use ::idem_core::__private::compare::*;
        let __probe = &Probe::of(&__body);
        (__probe.compare_ok(), __probe.compare_err())
    };
    __call.run(__body, __equality).await
}
