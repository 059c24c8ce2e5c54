async fn handle<'a, T>(
    mut id: String,
    Message { body, .. }: Message<'a, T>,
    idempotency: idem_core::Idempotency,
) -> Result<T, E>
where
    T: Handle,
{
    let policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtMostOnce,
            )
            .with_operation("handle")
            .with_argument_key()
    };
    let scope = ::idem_core::__private::Scope::global();
    let key = {
        let id = &id;
        ::idem_core::__private::IdempotencyKey::of(id)
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
        ::core::option::Option::None:: < Result < T, E > > { return returned; }
        #[allow(unused_braces)] { body.handle(id). await } }
    );
    call.run(body).await
}
