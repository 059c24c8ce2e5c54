async fn tick<__State: ::idem_axum::__private::ProvidesIdempotency, __Via>(
    call: ::idem_axum::__private::Guarded<(), __State, __Via>,
) -> ::idem_axum::__private::Response
where
    (): ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn tick() -> StatusCode {
        StatusCode::NO_CONTENT
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
    let scope = ::idem_axum::__private::Scope::global();
    call.run(scope, move |()| tick()).await
}
