#[tracing::instrument(skip_all)]
pub async fn on_order_placed(
    ctx: &Context,
    event: &OrderPlaced,
) -> Result<Receipt, OrderError> {
    let policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtLeastOnce,
            )
            .with_lease(::core::time::Duration::from_millis(10000u64))
            .with_wait(::core::time::Duration::from_millis(3000u64))
            .with_max_run(::core::time::Duration::from_millis(300000u64))
            .with_max_attempts(5u32)
            .with_operation("orders.place")
            .with_argument_fingerprint()
            .with_argument_key()
    };
    let scope = {
        let event = &event;
        ::idem_core::__private::Scope::of(&(&(event.tenant), &(event.shop)))
    };
    let key = {
        let event = &event;
        ::idem_core::__private::IdempotencyKey::of(&(event.id))
    };
    let call = ::idem_core::__private::Invocation::new(
        &(ctx.idempotency),
        policy,
        "on_order_placed",
        scope,
        key,
    );
    let material = {
        let event = &event;
        ::idem_core::__private::Material::of(event)
    };
    let call = call.with_fingerprint(material);
    let body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(returned) =
        ::core::option::Option::None:: < Result < Receipt, OrderError > > { return
        returned; } #[allow(unused_braces)] { ctx.app.place(event). await } }
    );
    call.run(body).await
}
