#[allow(dead_code)]
async fn create_payment_unguarded<R: Repo, const N: usize>(
    app: web::Data<App<R>>,
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
    __call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response
where
    R: Clone,
{
    async fn create_payment<R: Repo, const N: usize>(
        app: web::Data<App<R>>,
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
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call
        .admit::<(web::Data<App<R>>, Tenant, Json<NewPayment<N>>)>(__policy)
        .await
    {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__call.arguments().1;
        ::idem_actix::__private::Scope::of(&::idem_actix::__private::scope_part(tenant))
    };
    __call
        .run(
            __scope,
            move |(__arg0, __arg1, __arg2)| create_payment::<
                R,
                N,
            >(__arg0, __arg1, __arg2),
        )
        .await
}
