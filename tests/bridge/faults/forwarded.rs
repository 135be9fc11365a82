//! Failures at backends that see the client's own credential: what they refuse for good, the client is told in its
//! dialect's way; what they refuse for a while is no business of the client's.

use super::play::play_as;
use crate::standin::Failing::*;

macro_rules! refusals {
    ($($name:ident: $from:literal, $to:literal, $failing:expr;)+) => {
        $(#[tokio::test] async fn $name() { play_as($from, $to, $failing, true).await; })+
    };
}

refusals! {
    frontdesk_refuses_with_401: "luxmart", "frontdesk", RefuseHandshake(401);
    frontdesk_refuses_with_403: "andromedia", "frontdesk", RefuseHandshake(403);
    frontdesk_refuses_with_404: "licomed", "frontdesk", RefuseHandshake(404);
    frontdesk_refuses_with_429: "luxmart", "frontdesk", RefuseHandshake(429);
    andromedia_refuses_with_401: "frontdesk", "andromedia", RefuseHandshake(401);
    andromedia_refuses_with_403: "licomed", "andromedia", RefuseHandshake(403);
    andromedia_refuses_with_404: "luxmart", "andromedia", RefuseHandshake(404);
    andromedia_refuses_with_503: "frontdesk", "andromedia", RefuseHandshake(503);
    andromedia_closes_with_4003: "licomed", "andromedia", CloseWith(4003);
    licomed_refuses_with_401: "andromedia", "licomed", RefuseHandshake(401);
    licomed_refuses_with_403: "frontdesk", "licomed", RefuseHandshake(403);
    licomed_refuses_with_404: "andromedia", "licomed", RefuseHandshake(404);
    licomed_refuses_with_500: "luxmart", "licomed", RefuseHandshake(500);
    luxmart_refuses_with_401: "licomed", "luxmart", RefuseHandshake(401);
    luxmart_refuses_with_403: "frontdesk", "luxmart", RefuseHandshake(403);
    luxmart_refuses_with_404: "licomed", "luxmart", RefuseHandshake(404);
    luxmart_refuses_with_503: "frontdesk", "luxmart", RefuseHandshake(503);
}
