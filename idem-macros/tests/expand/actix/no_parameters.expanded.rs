async fn tick(
    call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn tick() -> impl Responder {
        HttpResponse::NoContent()
    }
    let policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let call = match call.admit::<()>(policy).await {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = ::idem_actix::__private::Scope::global();
    call.run(scope, move |()| tick()).await
}
