#[allow(dead_code)]
async fn tick_unguarded() -> StatusCode {
    StatusCode::NO_CONTENT
}
async fn tick<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    __call: ::idem_axum::__private::Guarded<(), (__State, __Via, __Place)>,
) -> ::idem_axum::__private::Response
where
    (): ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn tick() -> StatusCode {
        StatusCode::NO_CONTENT
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
    let __scope = ::idem_axum::__private::Scope::global();
    __call.run(__scope, move |()| tick()).await
}
