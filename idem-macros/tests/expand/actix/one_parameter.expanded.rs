async fn close(
    call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn close(tenant: Tenant) -> impl Responder {
        let _ = &tenant;
        { tenant.close().await }
    }
    let policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let call = match call.admit::<(Tenant,)>(policy).await {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let tenant = &call.arguments().0;
        ::idem_actix::__private::Scope::of(tenant)
    };
    call.run(scope, move |(arg0,)| close(arg0)).await
}
