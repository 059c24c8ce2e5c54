async fn place(
    idempotency: &Idempotency,
    mut tx: Tx,
    event: &Event,
) -> Result<Receipt, OrderError> {
    let __policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtMostOnce,
            )
            .with_argument_key()
    };
    let __scope = {
        let event = &event;
        ::idem_core::__private::Scope::of(&(event.tenant))
    };
    let __key = {
        let event = &event;
        ::idem_core::__private::IdempotencyKey::of(&(event.id))
    };
    let __call = ::idem_core::__private::Invocation::new(
        &(idempotency),
        __policy,
        "place",
        __scope,
        __key,
    );
    let __call = __call.in_transaction(tx.slot());
    let __body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(__returned) =
        ::core::option::Option::None:: < Result < Receipt, OrderError > > { return
        __returned; } '__body : { event.write(& mut tx). await } }
    );
    let __equality = {
        use ::idem_core::__private::compare::*;
        let __probe = &Probe::of(&__body);
        (__probe.compare_ok(), __probe.compare_err())
    };
    __call.run(__body, __equality).await
}
