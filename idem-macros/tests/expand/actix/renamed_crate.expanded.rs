#[allow(dead_code)]
async fn create_payment_unguarded(tenant: Tenant) -> Receipt {
    let _ = &tenant;
    '__body: { pay(tenant).await }
}
async fn create_payment(
    __call: my_prelude::guard::__private::Guarded,
) -> my_prelude::guard::__private::Response {
    async fn create_payment(tenant: Tenant) -> Receipt {
        let _ = &tenant;
        '__body: { pay(tenant).await }
    }
    let __policy = const {
        &my_prelude::guard::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            my_prelude::guard::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call.admit::<(Tenant,)>(__policy).await {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__call.arguments().0;
        my_prelude::guard::__private::Scope::of(
            &my_prelude::guard::__private::scope_part(tenant),
        )
    };
    __call.run(__scope, move |(__arg0,)| create_payment(__arg0)).await
}
