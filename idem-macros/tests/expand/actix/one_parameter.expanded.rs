#[allow(dead_code)]
async fn close_unguarded(tenant: Tenant) -> impl Responder {
    let _ = &tenant;
    '__body: { tenant.close().await }
}
async fn close(
    __call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn close(tenant: Tenant) -> impl Responder {
        let _ = &tenant;
        '__body: { tenant.close().await }
    }
    let __policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call.admit::<(Tenant,)>(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__call.arguments().0;
        ::idem_actix::__private::Scope::of(&::idem_actix::__private::scope_part(tenant))
    };
    __call.run(__scope, move |(__arg0,)| close(__arg0)).await
}
