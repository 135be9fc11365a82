//! Every failure at every backend, with clients of other dialects.

use super::play::play;
use crate::standin::Failing::*;

macro_rules! failures {
    ($($to:ident { $($name:ident: $from:literal, $failing:expr;)+ })+) => {
        $(mod $to {
            use super::*;
            $(#[tokio::test] async fn $name() { play($from, stringify!($to), $failing).await; })+
        })+
    };
}

failures! {
    frontdesk {
        answers_500: "licomed", Status500;
        is_silent: "luxmart", Silent;
        is_down: "andromedia", Down;
        resets: "divar", Reset;
        drops_one: "andromedia", DropNext;
        is_late: "luxmart", LateNext(300);
        is_too_late: "licomed", LateNext(1500);
        refuses_with_401: "luxmart", RefuseHandshake(401);
        refuses_with_403: "licomed", RefuseHandshake(403);
        refuses_with_404: "andromedia", RefuseHandshake(404);
        refuses_with_429: "divar", RefuseHandshake(429);
        refuses_with_500: "luxmart", RefuseHandshake(500);
        refuses_with_503: "licomed", RefuseHandshake(503);
        says_garbage: "andromedia", Garbage;
        says_20_megabytes: "luxmart", HugeFrame;
        closes_with_1000: "licomed", CloseWith(1000);
        closes_with_1006: "andromedia", CloseWith(1006);
        closes_with_1011: "luxmart", CloseWith(1011);
        closes_with_1012: "divar", CloseWith(1012);
    }
    andromedia {
        answers_500: "frontdesk", Status500;
        is_silent: "licomed", Silent;
        is_down: "luxmart", Down;
        resets: "frontdesk", Reset;
        drops_one: "divar", DropNext;
        is_late: "licomed", LateNext(300);
        is_too_late: "frontdesk", LateNext(1500);
        refuses_with_401: "frontdesk", RefuseHandshake(401);
        refuses_with_403: "licomed", RefuseHandshake(403);
        refuses_with_404: "luxmart", RefuseHandshake(404);
        refuses_with_429: "frontdesk", RefuseHandshake(429);
        refuses_with_500: "divar", RefuseHandshake(500);
        refuses_with_503: "luxmart", RefuseHandshake(503);
        says_garbage: "licomed", Garbage;
        says_20_megabytes: "frontdesk", HugeFrame;
        closes_with_1001: "luxmart", CloseWith(1001);
        closes_with_1006: "frontdesk", CloseWith(1006);
        closes_with_1008: "licomed", CloseWith(1008);
        closes_with_1011: "divar", CloseWith(1011);
        closes_with_1013: "luxmart", CloseWith(1013);
        closes_with_4001: "frontdesk", CloseWith(4001);
        closes_with_4002: "licomed", CloseWith(4002);
        closes_with_4003: "luxmart", CloseWith(4003);
        closes_with_4006: "frontdesk", CloseWith(4006);
    }
    licomed {
        answers_500: "andromedia", Status500;
        is_silent: "frontdesk", Silent;
        is_down: "divar", Down;
        resets: "luxmart", Reset;
        drops_one: "frontdesk", DropNext;
        is_late: "andromedia", LateNext(300);
        is_too_late: "divar", LateNext(1500);
        refuses_with_401: "andromedia", RefuseHandshake(401);
        refuses_with_403: "frontdesk", RefuseHandshake(403);
        refuses_with_404: "luxmart", RefuseHandshake(404);
        refuses_with_429: "andromedia", RefuseHandshake(429);
        refuses_with_500: "frontdesk", RefuseHandshake(500);
        refuses_with_503: "divar", RefuseHandshake(503);
        says_garbage: "luxmart", Garbage;
        says_20_megabytes: "frontdesk", HugeFrame;
        closes_with_1000: "andromedia", CloseWith(1000);
        closes_with_1006: "luxmart", CloseWith(1006);
        closes_with_1011: "frontdesk", CloseWith(1011);
        closes_with_1012: "luxmart", CloseWith(1012);
    }
    divar {
        answers_500: "luxmart", Status500;
        is_silent: "andromedia", Silent;
        is_down: "licomed", Down;
        resets: "frontdesk", Reset;
        drops_one: "luxmart", DropNext;
        is_late: "frontdesk", LateNext(300);
        is_too_late: "andromedia", LateNext(1500);
        says_garbage: "frontdesk", Garbage;
        says_20_megabytes: "licomed", HugeFrame;
    }
    luxmart {
        answers_500: "frontdesk", Status500;
        is_silent: "andromedia", Silent;
        is_down: "licomed", Down;
        resets: "andromedia", Reset;
        drops_one: "licomed", DropNext;
        is_late: "divar", LateNext(300);
        is_too_late: "andromedia", LateNext(1500);
        refuses_with_401: "frontdesk", RefuseHandshake(401);
        refuses_with_403: "andromedia", RefuseHandshake(403);
        refuses_with_404: "licomed", RefuseHandshake(404);
        refuses_with_429: "frontdesk", RefuseHandshake(429);
        refuses_with_500: "licomed", RefuseHandshake(500);
        refuses_with_503: "andromedia", RefuseHandshake(503);
        says_garbage: "divar", Garbage;
        says_20_megabytes: "licomed", HugeFrame;
        closes_with_1000: "frontdesk", CloseWith(1000);
        closes_with_1006: "licomed", CloseWith(1006);
        closes_with_1011: "andromedia", CloseWith(1011);
        closes_with_1012: "frontdesk", CloseWith(1012);
    }
}
