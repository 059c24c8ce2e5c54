async fn r#move(idempotency: &Idempotency, id: u64) -> Result<(), E> {
    let policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtMostOnce,
            )
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
        "move",
        scope,
        key,
    );
    let body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(returned) =
        ::core::option::Option::None:: < Result < (), E > > { return returned; }
        #[allow(unused_braces)] { Ok(()) } }
    );
    call.run(body).await
}
