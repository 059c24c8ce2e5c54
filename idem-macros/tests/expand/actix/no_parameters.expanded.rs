#[allow(dead_code)]
async fn tick_unguarded() -> impl Responder {
    HttpResponse::NoContent()
}
async fn tick(
    __call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn tick() -> impl Responder {
        HttpResponse::NoContent()
    }
    let __policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call.admit::<()>(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = ::idem_actix::__private::Scope::global();
    __call.run(__scope, move |()| tick()).await
}
