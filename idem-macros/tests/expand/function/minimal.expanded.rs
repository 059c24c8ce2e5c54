async fn on_order_placed(
    idempotency: &Idempotency,
    event: &OrderPlaced,
    app: &App,
) -> Result<Receipt, OrderError> {
    let policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtLeastOnce,
            )
            .with_argument_key()
    };
    let scope = {
        let event = &event;
        ::idem_core::__private::Scope::of(&(event.tenant))
    };
    let key = {
        let event = &event;
        ::idem_core::__private::IdempotencyKey::of(&(event.id))
    };
    let call = ::idem_core::__private::Invocation::new(
        &(idempotency),
        policy,
        "on_order_placed",
        scope,
        key,
    );
    let body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(returned) =
        ::core::option::Option::None:: < Result < Receipt, OrderError > > { return
        returned; } #[allow(unused_braces)] { app.place(event). await } }
    );
    call.run(body).await
}
