#[allow(dead_code)]
async fn ship_unguarded(
    mut tenant: Tenant,
    Path((shop, mut order)): Path<(Shop, Order)>,
    Json(Shipment { ref carrier, mut parcels, .. }): Json<Shipment>,
) -> StatusCode {
    let _ = &tenant;
    let _ = &shop;
    let _ = &order;
    '__body: {
        parcels.push(carrier);
        StatusCode::OK
    }
}
async fn ship<
    __State: ::idem_axum::__private::ProvidesIdempotency<__Place>,
    __Via: 'static,
    __Place,
>(
    ::idem_axum::__private::First(__arg0): ::idem_axum::__private::First<Tenant>,
    __arg1: Path<(Shop, Order)>,
    __call: ::idem_axum::__private::Guarded<Json<Shipment>, (__State, __Via, __Place)>,
) -> ::idem_axum::__private::Response
where
    Json<Shipment>: ::idem_axum::__private::FromRequest<__State, __Via>,
{
    async fn ship(
        mut tenant: Tenant,
        Path((shop, mut order)): Path<(Shop, Order)>,
        Json(Shipment { ref carrier, mut parcels, .. }): Json<Shipment>,
    ) -> StatusCode {
        let _ = &tenant;
        let _ = &shop;
        let _ = &order;
        '__body: {
            parcels.push(carrier);
            StatusCode::OK
        }
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
        let tenant = &__arg0;
        let Path((shop, order)) = &__arg1;
        ::idem_axum::__private::Scope::of(
            &(
                ::idem_axum::__private::scope_part(tenant),
                ::idem_axum::__private::scope_part(shop),
                ::idem_axum::__private::scope_part(order),
            ),
        )
    };
    __call.run(__scope, move |__last| ship(__arg0, __arg1, __last)).await
}
