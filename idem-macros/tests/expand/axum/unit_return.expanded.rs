#[allow(dead_code)]
async fn close_unguarded(tenant: Tenant, Path(id): Path<u64>) {
    let _ = &tenant;
    '__body: {
        tenant.close(id).await;
    }
}
async fn close<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<Tenant>,
    __call: ::idem_axum::__private::Guarded<Path<u64>, (__State, __Via, __Place)>,
) -> ::idem_axum::__private::Response
where
    Path<u64>: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn close(tenant: Tenant, Path(id): Path<u64>) {
        let _ = &tenant;
        '__body: {
            tenant.close(id).await;
        }
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
        let tenant = &__arg0;
        ::idem_axum::__private::Scope::of(&::idem_axum::__private::scope_part(tenant))
    };
    __call.run(__scope, move |__last| close(__arg0, __last)).await
}
