#[allow(dead_code)]
async fn create_payment_unguarded(State(app): State<App>, tenant: Tenant) -> Receipt {
    let _ = &app;
    let _ = &tenant;
    '__body: { app.pay(tenant).await }
}
async fn create_payment<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<State<App>>,
    __call: ::idem_axum::__private::Guarded<Tenant, (__State, __Via, __Place)>,
) -> ::idem_axum::__private::Response
where
    Tenant: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn create_payment(State(app): State<App>, tenant: Tenant) -> Receipt {
        let _ = &app;
        let _ = &tenant;
        '__body: { app.pay(tenant).await }
    }
    let __policy = {
        const __POLICY: &::idem_axum::__private::Policy = &::idem_axum::__private::Policy::named(
                crate::PAYMENTS,
            )
            .with_wait(::core::time::Duration::from_millis(5000u64))
            .checked()
            .checked_for_recover();
        __POLICY
    };
    let __call = match __call.admit(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = __call.last();
        ::idem_axum::__private::Scope::of(&::idem_axum::__private::scope_part(tenant))
    };
    __call
        .run_recoverable(
            __scope,
            (__arg0,),
            |__args| async move {
                let __recovery = {
                    let State(app) = &__args.0.0;
                    ::idem_axum::__private::recovery((find_charge(app)).await)
                };
                (__args, __recovery)
            },
            |((__arg0,), __last)| create_payment(__arg0, __last),
        )
        .await
}
