#[allow(dead_code)]
async fn ship_unguarded(
    mut tenant: Tenant,
    Route { shop, mut order }: Route,
    web::Json(Shipment { ref carrier, mut parcels, .. }): web::Json<Shipment>,
) -> impl Responder {
    let _ = &tenant;
    let _ = &shop;
    let _ = &order;
    '__body: {
        parcels.push(carrier);
        HttpResponse::Ok()
    }
}
async fn ship(
    __call: ::idem_actix::__private::Guarded,
) -> ::idem_actix::__private::Response {
    async fn ship(
        mut tenant: Tenant,
        Route { shop, mut order }: Route,
        web::Json(Shipment { ref carrier, mut parcels, .. }): web::Json<Shipment>,
    ) -> impl Responder {
        let _ = &tenant;
        let _ = &shop;
        let _ = &order;
        '__body: {
            parcels.push(carrier);
            HttpResponse::Ok()
        }
    }
    let __policy = const {
        &::idem_actix::__private::Policy::new(
            ::core::time::Duration::from_millis(86400000u64),
            ::idem_actix::__private::Guarantee::AtMostOnce,
        )
    };
    let __call = match __call
        .admit::<(Tenant, Route, web::Json<Shipment>)>(__policy)
        .await
    {
        ::core::result::Result::Ok(__call) => __call,
        ::core::result::Result::Err(__refused) => return __refused,
    };
    let __scope = {
        let tenant = &__call.arguments().0;
        let Route { shop, order } = &__call.arguments().1;
        ::idem_actix::__private::Scope::of(
            &(
                ::idem_actix::__private::scope_part(tenant),
                ::idem_actix::__private::scope_part(shop),
                ::idem_actix::__private::scope_part(order),
            ),
        )
    };
    __call
        .run(__scope, move |(__arg0, __arg1, __arg2)| ship(__arg0, __arg1, __arg2))
        .await
}
