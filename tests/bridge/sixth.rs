//! A dialect that is not built in, described by one file in `examples/`: its clients on the hub and before backends of
//! other dialects, clients of other dialects before its backend. Nothing in the source knows it.

use serde_json::{Value, json};

use crate::client::frontdesk::Frontdesk;
use crate::client::luxmart::Luxmart;
use crate::client::mattermost::{CHANNEL, Mattermost};
use crate::client::{Client, Heard};
use crate::harness::Gateway;
use crate::harness::http;
use crate::media::{File, Format};
use crate::pair::play;
use crate::pair::scene::{Scene, Staging, spoken};

/// Plays a pair: words and files both ways, history, a message that the backend loses, an end.
async fn pair(from: &'static str, to: &'static str, file: &str, end: &str) {
    let told = play(from, to).await;
    assert_eq!((told.words.as_str(), told.file_out.as_str()), ("both ways", file));
    assert_eq!((told.file_in.as_str(), told.history.as_str()), ("fetched from the gateway", "there"));
    assert_eq!((told.refusal.as_str(), told.end.as_str()), ("\"The backend did not answer in time\"", end));
}

macro_rules! pairs {
    ($($name:ident: $from:literal, $to:literal => $file:literal, $end:literal;)+) => {
        $(#[tokio::test] async fn $name() { pair($from, $to, $file, $end).await; })+
    };
}

pairs! {
    mattermost_before_frontdesk: "mattermost", "frontdesk" => "with its caption", "the backend has none";
    mattermost_before_andromedia: "mattermost", "andromedia" => "the caption follows", "the client's dialect has none";
    mattermost_before_licomed: "mattermost", "licomed" => "with its caption", "the backend has none";
    mattermost_before_divar: "mattermost", "divar" => "the caption follows", "the backend has none";
    mattermost_before_luxmart: "mattermost", "luxmart" => "with its caption", "the client's dialect has none";
    frontdesk_before_mattermost: "frontdesk", "mattermost" => "with its caption", "the backend has none";
    andromedia_before_mattermost: "andromedia", "mattermost" => "the caption follows", "the backend has none";
    licomed_before_mattermost: "licomed", "mattermost" => "with its caption", "the backend has none";
    divar_before_mattermost: "divar", "mattermost" => "the caption follows", "the backend has none";
    luxmart_before_mattermost: "luxmart", "mattermost" => "with its caption", "the backend has none";
}

#[tokio::test]
async fn both_sides_speak_it_and_it_is_passed_on_as_it_is() {
    let told = play("mattermost", "mattermost").await;
    assert_eq!((told.words.as_str(), told.file_out.as_str()), ("both ways", "with its caption"));
    assert_eq!((told.file_in.as_str(), told.history.as_str()), ("fetched from the gateway", "there"));
}

/// One room of the hub with routes for it and for two that are built in.
async fn hub() -> Gateway {
    let channel = format!("mattermost = \"{CHANNEL}\"");
    let more = format!(
        r#"
[[routes]]
name    = "team"
dialect = "{file}"
to      = "hub"
uploads = "local"
auth    = {{ kind = "jwt", secret = "{secret}" }}

[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
luxmart    = 7
{channel}
guest      = {{ name = "Gil", room_number = "101" }}
"#,
        file = spoken("mattermost"),
        secret = crate::harness::SECRET,
    );
    Gateway::start(&more).await
}

fn member(gateway: &Gateway, id: &str) -> String {
    gateway.token(json!({ "sub": id, "role": "staff", "name": id, "department": "reception" }))
}

#[tokio::test]
async fn its_clients_and_others_share_a_room_of_the_hub() {
    let gateway = hub().await;
    let mut eve = Mattermost::connect(gateway.address, member(&gateway, "eve")).await;
    let mut bob = Mattermost::connect(gateway.address, member(&gateway, "bob")).await;
    let mut ann = Frontdesk::connect(gateway.address, member(&gateway, "ann")).await;
    let admin = gateway.token(json!({ "sub": "2", "role": "admin", "name": "Zoe" }));
    let mut zoe = Luxmart::connect(gateway.address, admin).await;

    eve.say("good evening").await;
    for heard in [bob.hears().await, ann.hears().await, zoe.hears().await] {
        assert_eq!(heard, Heard::Text("good evening".to_owned()));
    }
    ann.say("at your service").await;
    for heard in [eve.hears().await, bob.hears().await, zoe.hears().await] {
        assert_eq!(heard, Heard::Text("at your service".to_owned()));
    }

    // Its own file has an id everywhere in the dialect, and a URL elsewhere.
    let file = File::new(Format::Pdf, 20_000, 3);
    let (name, bytes) = (file.name(), file.bytes());
    eve.say_file(&name, "application/pdf", &bytes, "the bill").await.unwrap();
    for (client, names_it) in [(&mut bob as &mut dyn Client, true), (&mut ann, true), (&mut zoe, false)] {
        let Heard::File { name: told, url, caption } = client.hears().await else { panic!("a file was sent") };
        assert_eq!(caption, "the bill");
        assert!(told == name || !names_it, "{told}");
        let (status, fetched) = client.fetch(&url).await;
        assert_eq!((status, fetched == bytes), (200, true), "{url}");
    }

    // A file of another dialect has no id here: it is a titled link.
    ann.say_file(&name, "application/pdf", &bytes, "").await.unwrap();
    let Heard::File { name: told, url, .. } = eve.hears().await else { panic!("a file was sent") };
    assert_eq!((told.as_str(), url.contains("/api/v4/files/")), (name.as_str(), false));
    assert!(eve.fetch(&url).await == (200, bytes));

    let history = bob.history().await.unwrap();
    assert_eq!(history[..3], ["good evening", "at your service", "the bill"]);
    let channel = eve.get(&format!("/api/v4/channels/{CHANNEL}")).await;
    assert_eq!((&channel["id"], &channel["display_name"]), (&json!(CHANNEL), &json!("Gil")));
}

#[tokio::test]
async fn a_file_has_its_id_below_a_prefix_too() {
    let more = format!(
        r#"
[[routes]]
name    = "team"
dialect = "{file}"
prefix  = "/team"
to      = "hub"
uploads = "local"
auth    = {{ kind = "jwt", secret = "{secret}" }}

[[conversations]]
name       = "room-101"
mattermost = "{CHANNEL}"
"#,
        file = spoken("mattermost"),
        secret = crate::harness::SECRET,
    );
    let gateway = Gateway::start(&more).await;
    let authorization = format!("Bearer {}", member(&gateway, "eve"));
    let headers = [("Authorization", authorization.as_str())];
    let parts = [http::field("channel_id", CHANNEL), http::file("files", "a.txt", "text/plain", b"some words")];
    let uploaded = http::post_form(gateway.address, "/team/api/v4/files", &headers, &parts).await;
    let id = uploaded.json()["file_infos"][0]["id"].as_str().expect("an id").to_owned();
    let body = json!({ "channel_id": CHANNEL, "message": "look", "file_ids": [id] }).to_string();
    let posted = http::post_json(gateway.address, "/team/api/v4/posts", &headers, body.as_bytes()).await;
    assert_eq!((posted.status, &posted.json()["file_ids"]), (201, &json!([id])), "{posted:?}");
    let fetched = http::get(gateway.address, &format!("/team/api/v4/files/{id}"), &headers).await;
    assert_eq!((fetched.status, fetched.body.as_slice()), (200, b"some words".as_slice()));
}

#[tokio::test]
async fn what_a_client_says_on_the_socket_is_answered_by_its_number() {
    let gateway = hub().await;
    let mut eve = Mattermost::connect(gateway.address, member(&gateway, "eve")).await;
    let mut bob = Mattermost::connect(gateway.address, member(&gateway, "bob")).await;
    eve.types(7).await;
    assert_eq!(eve.next_frame().await, json!({ "status": "OK", "seq_reply": 7 }));
    let typing = bob.next_frame().await;
    assert_eq!((&typing["event"], &typing["seq"]), (&json!("typing"), &json!(1)));
    assert_eq!((&typing["data"]["user_id"], &typing["broadcast"]["channel_id"]), (&json!("eve"), &json!(CHANNEL)));
    // What cannot be done is answered by its number, too.
    eve.say_raw(&json!({ "action": "user_typing", "seq": 8, "data": { "channel_id": "nowhere" } })).await;
    let refused = eve.next_frame().await;
    assert_eq!((&refused["status"], &refused["seq_reply"]), (&json!("FAIL"), &json!(8)));
    assert_eq!(refused["error"]["message"], "Unable to find the existing channel.");
}

#[tokio::test]
async fn pages_are_counted_from_nought_and_the_newest_comes_first() {
    let gateway = hub().await;
    let mut eve = Mattermost::connect(gateway.address, member(&gateway, "eve")).await;
    for number in 0..5 {
        eve.say(&format!("number {number}")).await;
    }
    let page = async |number: usize| {
        let list = eve.get(&format!("/api/v4/channels/{CHANNEL}/posts?page={number}&per_page=2")).await;
        let order = list["order"].as_array().unwrap().clone();
        assert_eq!(list["posts"].as_object().unwrap().len(), order.len());
        order.iter().map(|id| list["posts"][id.as_str().unwrap()]["message"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(page(0).await, ["number 4", "number 3"]);
    assert_eq!(page(1).await, ["number 2", "number 1"]);
    assert_eq!(page(2).await, ["number 0"]);
    let token = format!("Bearer {}", member(&gateway, "eve"));
    let two = json!({ "channel_id": CHANNEL, "message": "two", "file_ids": ["one", "another"] }).to_string();
    let headers = [("Authorization", token.as_str())];
    let refused = http::post_json(gateway.address, "/api/v4/posts", &headers, two.as_bytes()).await;
    assert_eq!((refused.status, &refused.json()["message"]), (400, &json!("A post may have one file here.")));
}

#[tokio::test]
async fn of_several_files_the_words_are_told_and_the_loss_is_counted() {
    let scene = Scene::set_as("luxmart", "mattermost", &Staging::default()).await;
    let mut client = scene.client;
    let backend = scene.mattermost.expect("it is one");
    backend.say_joined().await;
    backend.say_files(&["a.txt", "b.txt"], "both drafts").await;
    // What the server itself writes is no message.
    assert_eq!(client.hears().await, Heard::Text("both drafts".to_owned()));
    let page = String::from_utf8(http::get(scene.gateway.admin, "/metrics", &[]).await.body).unwrap();
    let counted = page.lines().find(|line| line.contains("ext.mattermost.file_ids"));
    assert!(counted.is_some_and(|line| line.ends_with(" 1")), "{page}");
}
