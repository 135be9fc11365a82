//! Whom the upstream takes a caller for, what it is shown, and where that stands.

use std::time::Duration;

use super::*;
use crate::auth::Algorithm;
use crate::event::Role;

fn caller(id: &str, presented: Option<&str>) -> Caller {
    Caller {
        principal: Principal { role: Some(Role::Guest), ..Principal::named(id) },
        presented: presented.map(|text| Secret::new(text.to_owned())),
        ..Caller::nobody()
    }
}

fn mint(claims: &[(&str, &str)]) -> CredentialRule {
    let claims = claims.iter().map(|(name, text)| ((*name).to_owned(), Claim::Template((*text).to_owned())));
    CredentialRule::Mint(Mint {
        algorithm: Algorithm::Hs256,
        key: Secret::new("a secret of the test that is long enough".to_owned()),
        claims: claims.collect(),
        lifetime: Duration::from_secs(60),
    })
}

fn credentials(rule: CredentialRule) -> Credentials {
    Credentials::new([(String::new(), rule)].into())
}

fn same(credentials: &Credentials, one: &Caller, other: &Caller) -> bool {
    credentials.seen(one).key == credentials.seen(other).key
}

#[test]
fn a_forwarded_credential_is_an_account_of_its_own() {
    let credentials = credentials(CredentialRule::Forward);
    let gil = caller("gil", Some("token-of-gil"));
    assert!(same(&credentials, &gil, &gil.clone()));
    assert!(!same(&credentials, &gil, &caller("noa", Some("token-of-noa"))));
    // A route may not look at credentials at all: whoever says that he is Gil must not hear what Gil hears.
    assert!(!same(&credentials, &gil, &caller("gil", Some("made up"))));
    assert!(!same(&credentials, &gil, &caller("gil", None)));
    let seen = credentials.seen(&gil);
    assert!(!seen.shared && !seen.key.contains("token-of-gil"), "a credential is kept nowhere: {}", seen.key);
}

#[test]
fn a_fixed_credential_is_everybodys() {
    let credentials = credentials(CredentialRule::Fixed(Secret::new("ours".to_owned())));
    assert!(same(&credentials, &caller("gil", Some("a")), &caller("noa", Some("b"))));
    assert!(credentials.seen(&caller("gil", None)).shared);
}

#[test]
fn a_minted_credential_is_its_claims() {
    let named = credentials(mint(&[("sub", "{party.id}"), ("role", "{party.role}")]));
    let (gil, noa) = (caller("gil", None), caller("noa", None));
    let mut clerk = gil.clone();
    clerk.principal.role = Some(Role::Staff);
    assert!(!same(&named, &gil, &noa) && !named.seen(&gil).shared);
    assert!(!same(&named, &gil, &clerk), "one name in two roles is two to the upstream");
    let by_role = credentials(mint(&[("sub", "front-{party.role}")]));
    assert!(same(&by_role, &gil, &noa), "the upstream cannot tell them apart");
    assert!(by_role.seen(&gil).shared, "so the gateway decides who hears what");
    assert!(!same(&by_role, &gil, &clerk));
}

#[test]
fn a_token_is_kept_while_its_claims_stay() {
    let credentials = credentials(mint(&[("sub", "{party.id}"), ("name", "{party.name}")]));
    let token = |caller: &Caller| {
        let secret = credentials.value("", caller).expect("it can be signed").expect("there is a rule");
        secret.expose().to_owned()
    };
    let gil = caller("gil", None);
    assert_eq!(token(&gil), token(&gil));
    let mut renamed = gil.clone();
    renamed.principal.name = Some("Gil".to_owned());
    assert_ne!(token(&gil), token(&renamed));
    assert_eq!(credentials.subject(&gil).as_deref(), Some("gil"));
}

#[test]
fn without_a_rule_nothing_is_shown() {
    let credentials = Credentials::new(BTreeMap::new());
    assert_eq!(credentials.value("", &caller("gil", Some("token"))).expect("nothing to do"), None);
    assert_eq!(credentials.value("other", &caller("gil", Some("token"))).expect("nothing to do"), None);
}

fn header(name: &str, scheme: Option<&str>) -> CredentialPlace {
    CredentialPlace::Header { name: name.to_owned(), scheme: scheme.map(str::to_owned) }
}

#[test]
fn a_credential_stands_in_the_first_of_its_places() {
    let secret = Secret::new("s3cret".to_owned());
    let mut placed = Placed::default();
    placed.put(&[header("Authorization", Some("Bearer")), header("X-Other", None)], &secret).expect("it can be sent");
    placed.put(&[CredentialPlace::Query { name: "token".to_owned() }], &secret).expect("it can be sent");
    placed.put(&[CredentialPlace::Subprotocol { name: "Bearer".to_owned() }], &secret).expect("it can be sent");
    assert_eq!(placed.headers["authorization"], "Bearer s3cret");
    assert_eq!(placed.headers.len(), 1);
    assert!(placed.headers["authorization"].is_sensitive() && !format!("{:?}", placed.headers).contains("s3cret"));
    assert_eq!(
        placed.query.iter().map(|(name, value)| (name.as_str(), value.expose())).next(),
        Some(("token", "s3cret"))
    );
    assert_eq!(placed.subprotocols, ["Bearer", "s3cret"]);
}

#[test]
fn a_further_credential_leaves_what_stands_in_its_place() {
    let (first, second) = (Secret::new("first".to_owned()), Secret::new("second".to_owned()));
    let mut placed = Placed::default();
    let place = [header("Authorization", Some("Bearer"))];
    placed.put_if_free(&place, &first).expect("it can be sent");
    placed.put_if_free(&place, &second).expect("nothing to do");
    placed.put_if_free(&[header("X-API-Key", None)], &second).expect("it can be sent");
    assert_eq!(placed.headers["authorization"], "Bearer first");
    assert_eq!(placed.headers["x-api-key"], "second");
}

#[test]
fn what_cannot_stand_in_a_header_is_refused_without_its_words() {
    let secret = Secret::new("s3cret\r\nX: y".to_owned());
    let fault = Placed::default().put(&[header("Authorization", None)], &secret).expect_err("it would be two headers");
    assert_eq!(fault.reason, Reason::Unauthorized);
    assert!(!fault.to_string().contains("s3cret"), "{fault}");
}
