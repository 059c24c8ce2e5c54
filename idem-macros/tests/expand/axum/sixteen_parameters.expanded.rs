async fn many<__State: ::idem_axum::__private::ProvidesIdempotency, __Via>(
    arg0: P,
    arg1: P,
    arg2: P,
    arg3: P,
    arg4: P,
    arg5: P,
    arg6: P,
    arg7: P,
    arg8: P,
    arg9: P,
    arg10: P,
    arg11: P,
    arg12: P,
    arg13: P,
    arg14: P,
    call: ::idem_axum::__private::Guarded<P, __State, __Via>,
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
        { StatusCode::OK }
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
        let p0 = &arg0;
        let p15 = call.last();
        ::idem_axum::__private::Scope::of(&(p0, p15))
    };
    call.run(
            scope,
            move |last| many(
                arg0,
                arg1,
                arg2,
                arg3,
                arg4,
                arg5,
                arg6,
                arg7,
                arg8,
                arg9,
                arg10,
                arg11,
                arg12,
                arg13,
                arg14,
                last,
            ),
        )
        .await
}
