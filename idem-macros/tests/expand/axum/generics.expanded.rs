#[allow(dead_code)]
async fn create_payment_unguarded<R: Repo, const N: usize>(
    State(app): State<App<R>>,
    tenant: Tenant,
    Json(payment): Json<NewPayment<N>>,
) -> Receipt
where
    R: Clone,
{
    let _ = &tenant;
    '__body: { app.pay(tenant, payment).await }
}
async fn create_payment<R: Repo + 'static, const N: usize>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<State<App<R>>>,
    __arg1: Tenant,
    __call: ::idem_axum::__private::Guarded<
        Json<NewPayment<N>>,
        impl ::idem_axum::__private::Admits<Json<NewPayment<N>>>,
    >,
) -> ::idem_axum::__private::Response
where
    R: Clone,
{
    async fn create_payment<R: Repo, const N: usize>(
        State(app): State<App<R>>,
        tenant: Tenant,
        Json(payment): Json<NewPayment<N>>,
    ) -> Receipt
    where
        R: Clone,
    {
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
        let tenant = &__arg1;
        ::idem_axum::__private::Scope::of(&::idem_axum::__private::scope_part(tenant))
    };
    __call
        .run(__scope, move |__last| create_payment::<R, N>(__arg0, __arg1, __last))
        .await
}
