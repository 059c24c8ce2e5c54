#[allow(dead_code)]
async fn create_payment_unguarded(
    State(app): State<App>,
    tenant: Tenant,
    Json(payment): Json<NewPayment>,
) -> Result<(StatusCode, Json<Payment>), ApiError> {
    let _ = &app;
    let _ = &tenant;
    '__body: { app.pay(tenant, payment).await }
}
async fn create_payment<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<State<App>>,
    __arg1: Tenant,
    __call: ::idem_axum::__private::Guarded<Json<NewPayment>, (__State, __Via, __Place)>,
) -> ::idem_axum::__private::Response
where
    Json<NewPayment>: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn create_payment(
        State(app): State<App>,
        tenant: Tenant,
        Json(payment): Json<NewPayment>,
    ) -> Result<(StatusCode, Json<Payment>), ApiError> {
        let _ = &app;
        let _ = &tenant;
        '__body: { app.pay(tenant, payment).await }
    }
    let __policy = const {
        &::idem_axum::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_axum::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call.admit(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let State(app) = &__arg0;
        let tenant = &__arg1;
        ::idem_axum::__private::Scope::of(
            &(
                ::idem_axum::__private::scope_part(tenant),
                ::idem_axum::__private::scope_part(&(app.region())),
            ),
        )
    };
    __call.run(__scope, move |__last| create_payment(__arg0, __arg1, __last)).await
}
