//! What a good `[upstreams]` comes to: `good/upstreams.toml` and small files, read to the last key.

use std::path::Path;
use std::time::Duration;

use dragoman::auth::{Algorithm, Auth};
use dragoman::config::{self, Code, Config, Inputs, Loaded, Problems, Target, Uploads};
use dragoman::dialect::builtin::BUILTIN;
use dragoman::dialect::{OnLoss, Op};
use dragoman::event::Role;
use dragoman::naming::PinnedName;
use dragoman::placement::Rules;
use dragoman::upstream::{Claim, CredentialRule, UpstreamSettings};

fn check(text: &str) -> Result<Loaded, Problems> {
    config::check("test.toml", text, Path::new(""), &Inputs::default(), BUILTIN)
}

fn good() -> Config {
    let loaded = check(include_str!("good/upstreams.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded.config
}

fn texts(endpoints: &[http::Uri]) -> Vec<String> {
    endpoints.iter().map(ToString::to_string).collect()
}

#[test]
fn every_key_of_an_upstream_is_read() {
    let config = good();
    let clinic = &config.upstreams["clinic"];
    assert_eq!((&*clinic.name, &*clinic.dialect.name), ("clinic", "licomed"));
    assert!(clinic.dialect.flag("attached_file_url"));
    assert_eq!(texts(&clinic.http), ["http://10.0.0.5:8000/", "https://clinic.example/api"]);
    assert_eq!(texts(&clinic.socket), ["wss://clinic.example/api"]);
    assert_eq!(clinic.hosts.len(), 1);
    assert_eq!(texts(&clinic.hosts[&Op::Upload]), ["https://files.clinic.example/"]);
    assert_eq!(clinic.role, Some(Role::Staff));
    assert_eq!((clinic.timeout, clinic.confirm_within), (Duration::from_secs(5), Duration::from_secs(7)));
    let health = clinic.health.as_ref().unwrap();
    assert_eq!((health.path.as_str(), health.every), ("/health/", Duration::from_secs(5)));
    assert_eq!(clinic.fetch, ["cdn.example", "*.cdn.example"]);
    assert!(clinic.callback.is_none());
}

#[test]
fn a_minted_credential_is_read() {
    let config = good();
    let credentials = &config.upstreams["clinic"].credentials;
    let CredentialRule::Mint(mint) = &credentials[""] else { panic!("{credentials:?}") };
    assert_eq!((mint.algorithm, mint.lifetime), (Algorithm::Hs256, Duration::from_secs(120)));
    assert_eq!(mint.key.expose(), "0123456789abcdef0123456789abcdef");
    let wanted = [
        ("level", Claim::Integer(3)),
        ("scope", Claim::List(vec!["chat".to_owned(), "{party.role}".to_owned()])),
        ("staff", Claim::Boolean(true)),
        ("sub", Claim::Template("{party.id}".to_owned())),
    ];
    let claims: Vec<(&str, Claim)> = mint.claims.iter().map(|(name, claim)| (name.as_str(), claim.clone())).collect();
    assert_eq!(claims, wanted);
    assert!(mint.names_party());
}

#[test]
fn credentials_have_the_names_of_the_dialect() {
    let config = good();
    let market: &UpstreamSettings = &config.upstreams["market"];
    let names: Vec<&str> = market.credentials.keys().map(String::as_str).collect();
    assert_eq!(names, ["", "access_token"]);
    let CredentialRule::Fixed(key) = &market.credentials[""] else { panic!("{:?}", market.credentials) };
    assert_eq!(key.expose(), "invented-key-of-the-app");
    assert_eq!(market.credentials["access_token"], CredentialRule::Forward);
    let callback = market.callback.as_ref().unwrap();
    assert_eq!((callback.path.as_str(), callback.key.expose()), ("/webhooks/market", "invented-key-of-the-market"));
    assert!(!format!("{config:?}").contains("invented-key"), "a secret is printed");
}

#[test]
fn what_is_not_said_has_a_default() {
    let config = good();
    let house = &config.upstreams["house"];
    assert!(house.dialect.flag("foreign_files"));
    assert_eq!(texts(&house.socket), ["ws://house:8000/"]);
    assert_eq!(texts(&config.upstreams["market"].socket), ["wss://market.example/"]);
    assert_eq!((house.timeout, house.confirm_within), (Duration::from_secs(10), Duration::from_secs(10)));
    assert!(house.role.is_none() && house.health.is_none() && house.fetch.is_empty() && house.hosts.is_empty());
    let text = include_str!("good/upstreams.toml");
    let bare = "credential = { kind = \"mint\", secret = \"0123456789abcdef0123456789abcdef\" }";
    let line = text.lines().find(|line| line.contains("lifetime")).unwrap();
    let config = check(&text.replace(line, bare)).unwrap().config;
    let CredentialRule::Mint(mint) = &config.upstreams["clinic"].credentials[""] else { panic!() };
    assert_eq!(mint.lifetime, Duration::from_secs(300));
    assert_eq!(mint.claims.get("sub"), Some(&Claim::Template("{party.id}".to_owned())));
}

#[test]
fn routes_lead_to_upstreams() {
    let config = good();
    let [staff, desk, apps, shops] = config.routes.as_slice() else { panic!("{:?}", config.routes) };
    assert_eq!(staff.target, Target::Upstream("clinic".to_owned()));
    assert_eq!((staff.on_loss, staff.confirm_within), (OnLoss::Refuse, Some(Duration::from_secs(3))));
    assert_eq!(staff.uploads, Some(Uploads::Placed(Rules::all_to("local"))));
    assert!(!staff.forward_rest && desk.forward_rest);
    assert_eq!((desk.on_loss, desk.confirm_within), (OnLoss::Degrade, None));
    assert_eq!(desk.auth, Auth::Upstream);
    // The options of one side do not make it another dialect.
    assert_eq!(desk.uploads, Some(Uploads::Through));
    assert_eq!(apps.uploads, Some(Uploads::Through));
    assert!(apps.events.is_some());
    // Another dialect than the client's: the one store, as on a route to the hub.
    assert_eq!(shops.uploads, Some(Uploads::Placed(Rules::all_to("local"))));
}

#[test]
fn an_upstream_has_its_own_names_of_conversations() {
    let config = good();
    let pinned = &config.conversations[0];
    let pair =
        |last: [&str; 2]| PinnedName::Pair(last.map(|last| format!("3f0c2b1e-0000-4000-8000-00000000000{last}")));
    assert_eq!(pinned.named_in("clinic"), Some(&pair(["c", "d"])));
    assert_eq!(pinned.named_in("licomed"), Some(&pair(["a", "b"])));
    assert_eq!(pinned.named_in("market"), Some(&PinnedName::Id("conversation-101".to_owned())));
    assert_eq!(pinned.named_in("house"), None);
}

/// The codes of what is said about one upstream with this address and credential, and a route to it.
fn warnings(http: &str, credential: &str, to: &str) -> Vec<Code> {
    let text = format!(
        "[upstreams.clinic]\ndialect = \"licomed\"\nhttp = \"{http}\"\ncredential = {credential}\n\
         [[routes]]\nname = \"a\"\ndialect = \"luxmart\"\nto = \"{to}\"\nauth = {{ kind = \"none\" }}\n"
    );
    let loaded = check(&text).unwrap_or_else(|problems| panic!("{problems}"));
    loaded.warnings.list.iter().map(|problem| problem.code).collect()
}

#[test]
fn what_is_risky_is_said() {
    let forward = "{ kind = \"forward\" }";
    let fixed = "{ kind = \"fixed\", value = \"invented\" }";
    for (http, codes) in [
        ("http://clinic.example", &[Code::ClearText][..]),
        ("http://8.8.8.8:8000", &[Code::ClearText]),
        ("https://clinic.example", &[]),
        ("http://127.0.0.1:8000", &[]),
        ("http://10.0.0.5", &[]),
        ("http://clinic:8000", &[]),
    ] {
        assert_eq!(warnings(http, forward, "clinic"), codes, "{http}");
        assert_eq!(warnings(http, fixed, "clinic"), codes, "{http}");
    }
    assert_eq!(warnings("https://clinic.example", forward, "hub"), [Code::Unused]);
}
