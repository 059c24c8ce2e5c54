async fn close<__State: ::idem_axum::__private::ProvidesIdempotency, __Via>(
    call: ::idem_axum::__private::Guarded<Tenant, __State, __Via>,
) -> ::idem_axum::__private::Response
where
    Tenant: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn close(tenant: Tenant) -> StatusCode {
        let _ = &tenant;
        { tenant.close().await }
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
        let tenant = call.last();
        ::idem_axum::__private::Scope::of(tenant)
    };
    call.run(scope, move |last| close(last)).await
}
