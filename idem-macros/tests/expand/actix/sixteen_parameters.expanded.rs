async fn many(
    call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
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
    ) -> impl Responder {
        let _ = &p0;
        let _ = &p15;
        { HttpResponse::Ok() }
    }
    let policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let call = match call
        .admit::<(P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P)>(policy)
        .await
    {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let p0 = &call.arguments().0;
        let p15 = &call.arguments().15;
        ::idem_actix::__private::Scope::of(&(p0, p15))
    };
    call.run(
            scope,
            move |
                (
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
                    arg15,
                )|
            many(
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
                arg15,
            ),
        )
        .await
}
