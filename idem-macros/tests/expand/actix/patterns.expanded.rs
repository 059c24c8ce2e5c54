async fn ship(
    call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn ship(
        mut tenant: Tenant,
        Route { shop, mut order }: Route,
        web::Json(Shipment { ref carrier, mut parcels, .. }): web::Json<Shipment>,
    ) -> impl Responder {
        let _ = &tenant;
        let _ = &shop;
        let _ = &order;
        {
            parcels.push(carrier);
            HttpResponse::Ok()
        }
    }
    let policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let call = match call.admit::<(Tenant, Route, web::Json<Shipment>)>(policy).await {
        ::core::result::Result::Ok(call) => call,
        ::core::result::Result::Err(refused) => return refused,
    };
    let scope = {
        let tenant = &call.arguments().0;
        let Route { shop, order } = &call.arguments().1;
        ::idem_actix::__private::Scope::of(&(tenant, shop, order))
    };
    call.run(scope, move |(arg0, arg1, arg2)| ship(arg0, arg1, arg2)).await
}
