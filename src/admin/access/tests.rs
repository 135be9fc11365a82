//! Who is let in by a token, by a certificate, by neither, for each path of the admin listener.

use tokio_util::sync::CancellationToken;

use crate::tls::Certificate;

use super::*;

fn access(token: Option<&str>, certificates: Certificates) -> Access {
    Access { token: token.map(Secret::new), certificates, api: true, open_metrics: false }
}

fn shown(names: &[&str], ends_in: i64, is_own: bool) -> ClientCertificate {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    let certificate = Certificate { ends: jiff::Timestamp::now().as_second() + ends_in, names };
    ClientCertificate { certificate, is_own, outdated: CancellationToken::new() }
}

fn judged(access: &Access, path: &str, authorization: &[&str], shown: Option<&ClientCertificate>) -> u16 {
    let mut headers = HeaderMap::new();
    for value in authorization {
        headers.append(AUTHORIZATION, value.parse().unwrap());
    }
    access.judge(path, &headers, shown).map_or_else(|(status, _)| status.as_u16(), |_| 200)
}

fn status(access: &Access, path: &str, authorization: &[&str]) -> u16 {
    judged(access, path, authorization, None)
}

#[test]
fn probes_are_answered_and_all_else_asks_for_the_token() {
    let mut access = access(Some("a token of these tests"), Certificates::Nobodys);
    for path in [
        "/api/reload",
        "/api/uploads/gc",
        "/console/events",
        "/console/translate",
        "/console/x",
        "/metrics",
        "/",
        "/healthz/",
        "//healthz",
    ] {
        assert_eq!(status(&access, path, &[]), 401, "{path}");
        assert_eq!(status(&access, path, &["Bearer a token of these test"]), 401, "{path}");
        assert_eq!(status(&access, path, &["Basic a token of these tests"]), 401, "{path}");
        assert_eq!(status(&access, path, &["bearer a token of these tests"]), 200, "{path}");
        assert_eq!(status(&access, path, &["Bearer a token of these tests", "Bearer x"]), 401, "{path}");
    }
    for path in ["/healthz", "/readyz", "/console", "/console/console.js"] {
        assert_eq!(status(&access, path, &[]), 200, "{path}");
    }
    access.open_metrics = true;
    assert_eq!((status(&access, "/metrics", &[]), status(&access, "/api/reload", &[])), (200, 401));
    access.api = false;
    for path in ["/api/reload", "/console"] {
        assert_eq!(status(&access, path, &["Bearer a token of these tests"]), 403, "{path}");
    }
}

#[test]
fn without_a_token_nothing_is_asked_for() {
    let access = access(None, Certificates::Nobodys);
    assert_eq!(status(&access, "/api/reload", &[]), 200);
    let nobodys = shown(&["ann"], 60, false);
    assert_eq!(access.judge("/metrics", &HeaderMap::new(), Some(&nobodys)), Ok(Admitted::NothingAsked));
}

#[test]
fn a_certificate_is_as_good_as_the_token() {
    let (either, alone) =
        (access(Some("a token of these tests"), Certificates::Everybodys), access(None, Certificates::Everybodys));
    let ann = shown(&["ann"], 60, false);
    for access in [&either, &alone] {
        assert_eq!(access.judge("/metrics", &HeaderMap::new(), Some(&ann)), Ok(Admitted::Certificate("ann")));
        assert_eq!(judged(access, "/api/reload", &["Bearer x"], Some(&ann)), 200);
        assert_eq!(status(access, "/healthz", &[]), 200);
    }
    assert_eq!((status(&either, "/metrics", &[]), status(&alone, "/metrics", &[])), (401, 403));
    assert_eq!(status(&either, "/metrics", &["Bearer a token of these tests"]), 200);
}

#[test]
fn names_are_compared_whole_and_an_end_is_one() {
    let access = access(None, Certificates::Of(vec!["ann".to_owned(), "prometheus.monitoring".to_owned()]));
    for (names, ends_in, is_own, expected) in [
        (&["ann"][..], 60, false, 200),
        (&["x", "prometheus.monitoring"], 60, false, 200),
        (&["prometheus.monitoring.example", "Ann", "an"], 60, false, 403),
        (&[], 60, false, 403),
        (&["ann"], 0, false, 403),
        // The gateway's own, by whatever name.
        (&[], -60, true, 200),
    ] {
        let shown = shown(names, ends_in, is_own);
        assert_eq!(judged(&access, "/metrics", &[], Some(&shown)), expected, "{shown:?}");
    }
    let own = shown(&["gateway"], 60, true);
    assert_eq!(judged(&self::access(None, Certificates::Everybodys), "/metrics", &[], Some(&own)), 200);
}

#[test]
fn another_access_holds_at_once() {
    let door = Door::new(access(None, Certificates::Everybodys));
    let ann = shown(&["ann"], 60, false);
    assert_eq!(judged(&door.access(), "/metrics", &[], Some(&ann)), 200);
    door.replace(access(None, Certificates::Of(vec!["bob".to_owned()])));
    assert_eq!(judged(&door.access(), "/metrics", &[], Some(&ann)), 403);
}
