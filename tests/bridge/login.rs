//! Logins that are passed on to a backend of the clients' dialect: its answer and its refusal come back as they are, the token
//! that it gives opens the route, and the password is nowhere but on its way.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::socket::Socket;
use crate::harness::{Gateway, http};
use crate::standin::frontdesk::{Frontdesk, PASSWORD, Profile, USERNAME};
use crate::standin::{Failing, Standin};

/// What the backend signs its tokens with.
const BACKEND_SECRET: &str = "3c6ef372fe94f82ba54ff53a5f1d36f1";
/// What the gateway itself is at the backend.
const OURS: &str = "token-of-the-gateway-9b05688c2b3e6c1f";

/// `to = "hub"`: only logins are passed on; `to = "desk"`: everything is.
async fn start(desk: &Frontdesk, to: &str) -> Gateway {
    let (login, credential) = match to {
        "hub" => ("login = \"desk\"\nuploads = \"local\"", format!("{{ kind = \"fixed\", value = \"{OURS}\" }}")),
        _ => ("uploads = \"upstream\"", "{ kind = \"forward\" }".to_owned()),
    };
    Gateway::start_routes(&format!(
        r#"
[upstreams.desk]
dialect    = "frontdesk"
http       = ["{}"]
socket     = ["{}"]
credential = {credential}
timeout    = "1s"

[[routes]]
name    = "staff"
dialect = "frontdesk"
to      = "{to}"
auth    = {{ kind = "jwt", secret = "{BACKEND_SECRET}" }}
{login}
"#,
        desk.http(),
        desk.socket()
    ))
    .await
}

async fn log_in(gateway: &Gateway, password: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let body = json!({ "username": USERNAME, "password": password }).to_string();
    let answer = http::post_json(gateway.address, "/api/login/", headers, body.as_bytes()).await;
    (answer.status, answer.json())
}

/// Every file of the gateway's folder, the journal among them.
fn kept(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let contents = entries.map(|path| if path.is_dir() { kept(&path) } else { std::fs::read(&path).unwrap() });
    contents.flatten().collect()
}

/// Nothing that the gateway wrote anywhere holds these.
async fn expect_nowhere(gateway: &Gateway, secrets: &[&str]) {
    let metrics = http::get(gateway.admin, "/metrics", &[]).await.body;
    let log = gateway.log();
    assert!(log.lines().count() > 10, "it logs at all");
    for secret in secrets {
        for (place, text) in [("log", log.as_bytes()), ("metrics", &metrics), ("files", &kept(gateway.folder()))] {
            let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret:?} is in the {place}");
        }
    }
}

#[tokio::test]
async fn a_login_is_passed_on_and_its_token_opens_the_route() {
    let desk = Frontdesk::start(BACKEND_SECRET, Profile::Documented).await;
    for to in ["hub", "desk"] {
        let gateway = start(&desk, to).await;
        // As browsers do that logged in before.
        let old = gateway.expired(json!({ "sub": "1" }));
        let (status, answer) = log_in(&gateway, PASSWORD, &[("Authorization", &format!("Bearer {old}"))]).await;
        assert_eq!((status, &answer["user"]["username"]), (200, &json!(USERNAME)), "{to}: {answer}");
        let access = answer["access"].as_str().unwrap().to_owned();
        let opened = Socket::open(gateway.address, &format!("/ws/chat/?token={access}"), None).await;
        assert!(opened.is_ok(), "{to}: {:?}", opened.err());
        expect_nowhere(&gateway, &[PASSWORD, &access, &old]).await;
    }
    assert_eq!(desk.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_backends_words() {
    let desk = Frontdesk::start(BACKEND_SECRET, Profile::Documented).await;
    for to in ["hub", "desk"] {
        let gateway = start(&desk, to).await;
        let wrong = "another invented password, 0f1a";
        let refused = json!({ "success": false, "message": "Authentication failed", "errors": {} });
        assert_eq!(log_in(&gateway, wrong, &[]).await, (401, refused), "{to}");
        expect_nowhere(&gateway, &[wrong]).await;
    }
}

#[tokio::test]
async fn a_backend_that_is_down_refuses_nobody() {
    let desk = Frontdesk::start(BACKEND_SECRET, Profile::Documented).await;
    for to in ["hub", "desk"] {
        let gateway = start(&desk, to).await;
        desk.fail(Failing::Down);
        let (status, answer) = log_in(&gateway, PASSWORD, &[]).await;
        assert_eq!((status, answer["success"].clone()), (502, json!(false)), "{to}: {answer}");
        desk.fail(Failing::Silent);
        let (status, answer) = log_in(&gateway, PASSWORD, &[]).await;
        assert_eq!(status, 504, "{to}: {answer}");
        desk.fail(Failing::No);
        assert_eq!(log_in(&gateway, PASSWORD, &[]).await.0, 200, "{to}");
        expect_nowhere(&gateway, &[PASSWORD]).await;
    }
}

#[tokio::test]
async fn each_role_logs_in_at_its_own_place() {
    let gateway = Gateway::start_routes(
        r#"
[[routes]]
name    = "shops"
dialect = "luxmart"
to      = "hub"
uploads = "local"
auth    = { kind = "tokens", tokens = [
  { token = "token-of-the-lamp-shop-1f83d9ab", party = "10", name = "Lamp Shop", role = "store", login = { username = "lamps@shop.example", password = "invented, 5be0cd19" } },
  { token = "token-of-the-administrator-6a09", party = "2", name = "Eve", role = "admin", login = { username = "eve@luxmart.example", password = "invented, a54ff53a" } },
] }
"#,
    )
    .await;
    let log_in = async |place: &str, email: &str, password: &str| {
        let body = json!({ "email": email, "password": password }).to_string();
        let answer =
            http::post_json(gateway.address, &format!("/v1/accounts/login/{place}/"), &[], body.as_bytes()).await;
        (answer.status, answer.json())
    };
    let shop = ("lamps@shop.example", "invented, 5be0cd19");
    let known = json!({ "id": 10, "name": "Lamp Shop", "logo_url": "", "email": shop.0 });
    let answer = json!({ "access_token": "token-of-the-lamp-shop-1f83d9ab", "store": known });
    assert_eq!(log_in("store", shop.0, shop.1).await, (200, answer));
    let known = json!({ "id": 2, "name": "Eve", "email": "eve@luxmart.example" });
    let answer = json!({ "access_token": "token-of-the-administrator-6a09", "user": known });
    assert_eq!(log_in("admin", "eve@luxmart.example", "invented, a54ff53a").await, (200, answer));
    // Elsewhere, and with another password, in the same words.
    let refused = (401, json!({ "error": "Unauthorized" }));
    assert_eq!(log_in("admin", shop.0, shop.1).await, refused);
    assert_eq!(log_in("store", shop.0, "invented, 9b05688c").await, refused);
}
