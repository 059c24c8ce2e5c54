async fn ship<__State: ::idem_axum::__private::ProvidesIdempotency, __Via>(
    arg0: Tenant,
    arg1: Path<(Shop, Order)>,
    call: ::idem_axum::__private::Guarded<Json<Shipment>, __State, __Via>,
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
        {
            parcels.push(carrier);
            StatusCode::OK
        }
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
        let tenant = &arg0;
        let Path((shop, order)) = &arg1;
        ::idem_axum::__private::Scope::of(&(tenant, shop, order))
    };
    call.run(scope, move |last| ship(arg0, arg1, last)).await
}
