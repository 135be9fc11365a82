//! What an upstream sees of credentials, for each rule and each place.

use std::sync::Arc;

use super::super::super::settings::CredentialRule;
use super::*;
use crate::auth::Principal;
use crate::dialect::{Call, builtin};

/// What an upstream speaks, and its rules.
type Settings = (Arc<Dialect>, Credentials);

fn settings(dialect: &str, credentials: &[(&str, CredentialRule)]) -> Settings {
    let rules = credentials.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone()));
    (builtin::find(dialect).unwrap(), Credentials::new(rules.collect()))
}

fn fixed(text: &str) -> CredentialRule {
    CredentialRule::Fixed(Secret::new(text.to_owned()))
}

fn caller() -> Caller {
    Caller {
        principal: Principal::named("ann"),
        route: "r".into(),
        dialect: "d".into(),
        connection: 0,
        terms: crate::backend::Terms::default(),
        presented: Some(Secret::new("of-the-client".to_owned())),
    }
}

struct Case<'a> {
    client: &'a str,
    settings: Settings,
    channel: Channel,
    known: bool,
    call: Option<&'a str>,
}

impl Case<'_> {
    /// Path and query, and headers with their values, sorted.
    fn seen(&self, path: &str, headers: &[(&str, &str)]) -> (String, Vec<String>) {
        let dialect = builtin::find(self.client).unwrap();
        let find = |id: &&str| dialect.calls.iter().find(|call: &&Call| call.id == *id);
        let caller = caller();
        let passenger = Passenger {
            caller: self.known.then_some(&caller),
            dialect: &dialect,
            call: self.call.as_ref().map(|id| find(id).expect("a call of the dialect")),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let mut path = PathAndQuery::try_from(path).unwrap();
        let exchange = Exchange {
            dialect: &self.settings.0,
            credentials: &self.settings.1,
            passenger: &passenger,
            channel: self.channel,
        };
        exchange.of(&mut path, &mut map).unwrap();
        let mut seen: Vec<String> =
            map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        seen.sort();
        (path.to_string(), seen)
    }
}

fn case<'a>(client: &'a str, settings: Settings, channel: Channel) -> Case<'a> {
    Case { client, settings, channel, known: true, call: None }
}

#[test]
fn what_is_forwarded_stays_letter_by_letter() {
    let case = case("licomed", settings("licomed", &[("", CredentialRule::Forward)]), Channel::Socket);
    let (path, headers) = case.seen("/ws?a=%41&&token=x+y&b", &[("authorization", "bearer  t"), ("x", "1")]);
    assert_eq!(path, "/ws?a=%41&&token=x+y&b");
    assert_eq!(headers, ["authorization: bearer  t", "x: 1"]);
}

#[test]
fn the_clients_own_is_in_no_place_any_more() {
    let mut case = case("licomed", settings("licomed", &[("", fixed("ours/1"))]), Channel::Socket);
    let headers = [("authorization", "Basic theirs"), ("authorization", "Bearer theirs"), ("x", "1")];
    for (path, seen) in [
        ("/ws/?token=theirs", "/ws/?token=ours/1"),
        ("/ws/?a=1&token=theirs&b=%20&t%6Fken=theirs", "/ws/?a=1&b=%20&token=ours/1"),
        ("/ws/", "/ws/?token=ours/1"),
        ("/ws/?token", "/ws/?token=ours/1"),
    ] {
        case.known = true;
        assert_eq!(case.seen(path, &headers), (seen.to_owned(), vec!["x: 1".to_owned()]), "{path}");
        case.known = false;
        assert!(!case.seen(path, &headers).0.contains("token"), "nothing is shown for strangers: {path}");
    }
}

#[test]
fn the_first_place_of_the_channel_is_written() {
    let settings = || settings("andromedia", &[("", fixed("ours"))]);
    let http = case("andromedia", settings(), Channel::Http);
    assert_eq!(http.seen("/a", &[]), ("/a".to_owned(), vec!["authorization: Bearer ours".to_owned()]));
    let socket = case("andromedia", settings(), Channel::Socket);
    for (offered, seen) in [
        ("Bearer, theirs", "sec-websocket-protocol: Bearer, ours"),
        ("chat, Bearer, theirs, v2", "sec-websocket-protocol: Bearer, ours, chat, v2"),
        ("chat", "sec-websocket-protocol: Bearer, ours, chat"),
    ] {
        let (path, headers) = socket.seen("/ws?token=theirs", &[("sec-websocket-protocol", offered)]);
        assert_eq!((path.as_str(), headers.as_slice()), ("/ws", &[seen.to_owned()][..]), "{offered}");
    }
}

/// A server of the WSGI kind reads `X_API_Key` as `X-API-Key`.
#[test]
fn other_spellings_of_a_place_are_taken_out_too() {
    let case = case("divar", settings("divar", &[("", fixed("ours"))]), Channel::Http);
    let (_, headers) = case.seen("/", &[("x_api_key", "theirs"), ("X-API-Key", "theirs")]);
    assert_eq!(headers, ["x-api-key: ours"]);
}

#[test]
fn each_credential_has_its_own_rule() {
    let rules = [("", fixed("key")), ("access_token", CredentialRule::Forward)];
    let case = case("divar", settings("divar", &rules), Channel::Http);
    let (_, headers) = case.seen("/", &[("x-api-key", "theirs"), ("authorization", "Bearer users-own")]);
    assert_eq!(headers, ["authorization: Bearer users-own", "x-api-key: key"]);
}

/// What the upstream issued for one call is shown there as it is, though another credential may stand in that place.
#[test]
fn what_the_upstream_issued_passes() {
    let rules = [("", fixed("key")), ("access_token", fixed("ours"))];
    let mut case = case("divar", settings("divar", &rules), Channel::Http);
    let shown = [("x-api-key", "theirs"), ("authorization", "Bearer upload-token")];
    assert_eq!(case.seen("/", &shown).1, ["authorization: Bearer ours", "x-api-key: key"]);
    case.call = Some("upload");
    assert_eq!(case.seen("/", &shown).1, ["authorization: Bearer upload-token", "x-api-key: key"]);
}

#[test]
fn a_client_of_another_dialect_shows_its_credential_elsewhere() {
    let case = case("frontdesk", settings("divar", &[("", fixed("key"))]), Channel::Http);
    let (path, headers) = case.seen("/x?token=theirs", &[("authorization", "Bearer theirs"), ("cookie", "a=1")]);
    assert_eq!(path, "/x");
    assert_eq!(headers, ["cookie: a=1", "x-api-key: key"]);
    let rule = [("", CredentialRule::Forward)];
    let forwarding = super::tests::case("frontdesk", settings("divar", &rule), Channel::Http);
    assert_eq!(forwarding.seen("/x", &[("authorization", "Bearer theirs")]).1, ["authorization: Bearer theirs"]);
}

/// One id may be two parties: of a store on one route, of the house on another.
#[test]
fn a_minted_token_is_of_its_very_party() {
    use std::time::Duration;

    use super::super::super::settings::{Claim, Mint};
    use crate::auth::Algorithm;
    use crate::event::Role;

    let claim = |text: &str| Claim::Template(text.to_owned());
    let claims = [("sub".to_owned(), claim("{party.id}")), ("role".to_owned(), claim("{party.role}"))];
    let mint = Mint {
        algorithm: Algorithm::Hs256,
        key: Secret::new("0123456789abcdef0123456789abcdef".to_owned()),
        claims: claims.into(),
        lifetime: Duration::from_secs(60),
    };
    let (_, credentials) = settings("frontdesk", &[("", CredentialRule::Mint(mint))]);
    let of = |role| {
        let mut caller = caller();
        caller.principal.role = Some(role);
        credentials.value("", &caller).unwrap().unwrap().expose().to_owned()
    };
    assert_eq!(of(Role::Store), of(Role::Store), "kept while it is good");
    assert_ne!(of(Role::Store), of(Role::Admin));
}
