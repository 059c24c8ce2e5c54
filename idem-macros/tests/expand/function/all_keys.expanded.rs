#[tracing::instrument(skip_all)]
pub async fn on_order_placed(
    ctx: &Context,
    event: &OrderPlaced,
) -> Result<Receipt, OrderError> {
    let __policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtLeastOnce,
            )
            .with_hold(::core::time::Duration::from_millis(7776000000u64))
            .with_lease(::core::time::Duration::from_millis(10000u64))
            .with_wait(::core::time::Duration::from_millis(3000u64))
            .with_max_run(::core::time::Duration::from_millis(300000u64))
            .with_max_attempts(5u32)
            .with_operation("orders.place")
            .with_argument_fingerprint()
            .with_argument_key()
    };
    let __scope = {
        let event = &event;
        ::idem_core::__private::Scope::of(&(&(event.tenant), &(event.shop)))
    };
    let __key = {
        let event = &event;
        ::idem_core::__private::IdempotencyKey::of(&(event.id))
    };
    let __call = ::idem_core::__private::Invocation::new(
        &(ctx.idempotency),
        __policy,
        "on_order_placed",
        __scope,
        __key,
    );
    let __input = {
        let event = &event;
        ::idem_core::__private::FingerprintInput::of(event)
    };
    let __call = __call.with_fingerprint(__input);
    let __label = {
        let event = &event;
        ::std::string::ToString::to_string(&(event.id))
    };
    let __call = __call.with_label(&__label);
    let __body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(__returned) =
        ::core::option::Option::None:: < Result < Receipt, OrderError > > { return
        __returned; } '__body : { ctx.app.place(event). await } }
    );
    let __equality = {
        use ::idem_core::__private::compare::*;
        let __probe = &Probe::of(&__body);
        (__probe.compare_ok(), __probe.compare_err())
    };
    __call.run(__body, __equality).await
}
