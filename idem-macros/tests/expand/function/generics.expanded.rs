async fn handle<'a, T>(
    mut id: String,
    Message { body, .. }: Message<'a, T>,
    idempotency: idem_core::Idempotency,
) -> Result<T, E>
where
    T: Handle,
{
    let __policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtMostOnce,
            )
            .with_operation("handle")
            .with_argument_key()
    };
    let __scope = ::idem_core::__private::Scope::global();
    let __key = {
        let id = &id;
        ::idem_core::__private::IdempotencyKey::of(id)
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
        ::core::option::Option::None:: < Result < T, E > > { return __returned; } '__body
        : { body.handle(id). await } }
    );
    let __equality = {
        use ::idem_core::__private::compare::*;
        let __probe = &Probe::of(&__body);
        (__probe.compare_ok(), __probe.compare_err())
    };
    __call.run(__body, __equality).await
}
