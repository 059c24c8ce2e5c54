async fn place(
    idempotency: &Idempotency,
    app: &App,
    event: &OrderPlaced,
) -> Result<Receipt, OrderError> {
    let __policy = const {
        &::idem_core::__private::Policy::new(
                ::core::time::Duration::from_millis(604800000u64),
                ::idem_core::__private::Guarantee::AtMostOnce,
            )
            .with_hold(::core::time::Duration::from_millis(7776000000u64))
            .with_settle(::core::time::Duration::from_millis(60000u64))
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
    let __label = {
        let event = &event;
        ::std::string::ToString::to_string(&(event.id))
    };
    let __call = __call.with_label(&__label);
    let __call = __call
        .recover(async {
            if let ::core::option::Option::Some(::core::result::Result::Ok(__found)) = ::core::option::Option::None::<
                Result<Receipt, OrderError>,
            > {
                return ::idem_core::__private::Recovery::Happened(__found);
            }
            let app = &app;
            let event = &event;
            ::idem_core::__private::recovery((app.find_order(event)).await)
        })
        .await;
    let __body = ::core::pin::pin!(
        async move { if let ::core::option::Option::Some(__returned) =
        ::core::option::Option::None:: < Result < Receipt, OrderError > > { return
        __returned; } '__body : { app.place(event). await } }
    );
    let __equality = {
        use ::idem_core::__private::compare::*;
        let __probe = &Probe::of(&__body);
        (__probe.compare_ok(), __probe.compare_err())
    };
    __call.run(__body, __equality).await
}
