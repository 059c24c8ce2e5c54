#[allow(dead_code)]
async fn many_unguarded(
    p0: P,
    p1: P,
    p2: P,
    p3: P,
    p4: P,
    p5: P,
    p6: P,
    p7: P,
    p8: P,
    p9: P,
    p10: P,
    p11: P,
    p12: P,
    p13: P,
    p14: P,
    p15: P,
) -> StatusCode {
    let _ = &p0;
    let _ = &p15;
    '__body: { StatusCode::OK }
}
async fn many<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<P>,
    __arg1: P,
    __arg2: P,
    __arg3: P,
    __arg4: P,
    __arg5: P,
    __arg6: P,
    __arg7: P,
    __arg8: P,
    __arg9: P,
    __arg10: P,
    __arg11: P,
    __arg12: P,
    __arg13: P,
    __arg14: P,
    __call: ::idem_axum::__private::Guarded<P, (__State, __Via, __Place)>,
) -> ::idem_axum::__private::Response
where
    P: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn many(
        p0: P,
        p1: P,
        p2: P,
        p3: P,
        p4: P,
        p5: P,
        p6: P,
        p7: P,
        p8: P,
        p9: P,
        p10: P,
        p11: P,
        p12: P,
        p13: P,
        p14: P,
        p15: P,
    ) -> StatusCode {
        let _ = &p0;
        let _ = &p15;
        '__body: { StatusCode::OK }
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
        let p0 = &__arg0;
        let p15 = __call.last();
        ::idem_axum::__private::Scope::of(
            &(
                ::idem_axum::__private::scope_part(p0),
                ::idem_axum::__private::scope_part(p15),
            ),
        )
    };
    __call
        .run(
            __scope,
            move |__last| many(
                __arg0,
                __arg1,
                __arg2,
                __arg3,
                __arg4,
                __arg5,
                __arg6,
                __arg7,
                __arg8,
                __arg9,
                __arg10,
                __arg11,
                __arg12,
                __arg13,
                __arg14,
                __last,
            ),
        )
        .await
}
