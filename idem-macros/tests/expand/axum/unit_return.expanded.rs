async fn close<__State: ::idem_axum::__private::ProvidesIdempotency, __Via>(
    arg0: Tenant,
    call: ::idem_axum::__private::Guarded<Path<u64>, __State, __Via>,
) -> ::idem_axum::__private::Response
where
    Path<u64>: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn close(tenant: Tenant, Path(id): Path<u64>) {
        let _ = &tenant;
        {
            tenant.close(id).await;
        }
    }
    let policy = const {
        &::idem_axum::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_axum::__private::Guarantee::AtMostOnce,
        )
    };
    let call = match call.admit(policy).await {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let tenant = &arg0;
        ::idem_axum::__private::Scope::of(tenant)
    };
    call.run(scope, move |last| close(arg0, last)).await
}
