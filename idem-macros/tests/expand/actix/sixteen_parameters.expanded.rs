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
) -> impl Responder {
    let _ = &p0;
    let _ = &p15;
    '__body: { HttpResponse::Ok() }
}
async fn many(
    __call: ::idem_actix::__private::Guarded,
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
        '__body: { HttpResponse::Ok() }
    }
    let __policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call
        .admit::<(P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P)>(__policy)
        .await
    {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let p0 = &__call.arguments().0;
        let p15 = &__call.arguments().15;
        ::idem_actix::__private::Scope::of(
            &(
                ::idem_actix::__private::scope_part(p0),
                ::idem_actix::__private::scope_part(p15),
            ),
        )
    };
    __call
        .run(
            __scope,
            move |
                (
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
                    __arg15,
                )|
            many(
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
                __arg15,
            ),
        )
        .await
}
