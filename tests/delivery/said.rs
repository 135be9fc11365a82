//! What is said to a guest, and what is not.

use serde_json::{Value, json};

use super::api::{Api, texts};
use super::request::{SENDER, TOKEN};
use super::scene::{
    GUEST, NUMBERLESS, OTHER_GUEST, OTHER_ROOM, ROOM, SUPPORT, Staff, TOLD, agent_says, assert_discreet, figure_is,
    nothing_waits, open, open_with, upload, visitor,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";
const PDF: &[u8] = b"%PDF-1.4\ntwo pages";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
const MP3: &[u8] = b"ID3\x03\0\0\0\0\0\0words";
const GIF: &[u8] = b"GIF89a\x01\0\x01\0";

#[tokio::test]
async fn what_the_house_says_is_said_to_the_guest_and_nothing_else() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    let mut guest = visitor(&gateway, ROOM).await;
    staff.say(ROOM, "good morning").await;
    assert_eq!(guest.frame().await["content"], "good morning");
    guest.say(&json!({ "type": "text", "content": "words of the guest" }).to_string()).await;
    assert!(staff.hear().await.to_string().contains("words of the guest"));
    staff.say(SUPPORT, "of another kind").await;
    staff.say(NUMBERLESS, "to nobody").await;
    agent_says(&gateway, ROOM, "from another desk").await;
    assert!(staff.hear().await.to_string().contains("from another desk"));
    staff.say(OTHER_ROOM, "to another guest").await;
    staff.say(ROOM, "good night").await;
    let taken = api.taken(4).await;
    let to = |number: &str| -> Vec<Value> { taken.iter().filter(|message| message["to"] == number).cloned().collect() };
    assert_eq!(texts(&to(GUEST)), ["good morning", "from another desk", "good night"]);
    assert_eq!(texts(&to(OTHER_GUEST)), ["to another guest"]);
    let whole = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": GUEST, "type": "text",
        "text": { "body": "good morning" },
    });
    assert_eq!(to(GUEST)[0], whole);
    let refused = r#"dragoman_delivery_refused_total{delivery="guests",reason="lossy"}"#;
    figure_is(&[&gateway], refused, 1).await;
    figure_is(&[&gateway], TOLD, 4).await;
    nothing_waits(&gateway).await;
    assert_eq!(api.violations(), [""; 0]);
    assert_discreet(&gateway, &["good morning", "words of the guest"]).await;
}

#[tokio::test]
async fn each_kind_of_file_is_uploaded_and_sent_with_its_words() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    for (kind, name, mime, content, caption) in [
        ("image", "pool.png", "image/png", PNG, "the pool"),
        ("document", "menu.pdf", "application/pdf", PDF, "the menu"),
        ("video", "way.mp4", "video/mp4", MP4, ""),
        ("audio", "note.mp3", "audio/mpeg", MP3, "a note"),
        ("image", "again.png", "image/png", PNG, ""),
    ] {
        let url = upload(&gateway, ROOM, name, mime, content).await;
        staff.show(ROOM, kind, &url, name, caption).await;
    }
    let taken = api.taken(6).await;
    let media = api.media();
    let uploaded: Vec<_> = media.iter().map(|media| (media.mime.as_str(), media.content.as_slice())).collect();
    let expected = [("image/png", PNG), ("application/pdf", PDF), ("video/mp4", MP4), ("audio/mpeg", MP3)];
    assert_eq!(uploaded, expected, "each content once, as it was");
    let kinds: Vec<_> = taken.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["image", "document", "video", "audio", "text", "image"]);
    assert_eq!(taken[0]["image"]["caption"], "the pool");
    assert_eq!(
        (&taken[1]["document"]["caption"], &taken[1]["document"]["filename"]),
        (&json!("the menu"), &json!("menu.pdf"))
    );
    assert_eq!(taken[2]["video"].as_object().unwrap().len(), 1, "no caption: {}", taken[2]);
    assert_eq!(taken[4]["text"]["body"], "a note", "audio has no caption: its words follow");
    assert_eq!(taken[5]["image"]["id"], taken[0]["image"]["id"], "the same file is not uploaded twice");

    // After 30 days the id is not known any more.
    api.forget_media();
    let url = upload(&gateway, ROOM, "later.png", "image/png", PNG).await;
    staff.show(ROOM, "image", &url, "later.png", "").await;
    api.taken(7).await;
    assert_eq!(api.violations(), ["POST /v22.0/106540352242922/messages: image.id is not a valid media id"]);
}

#[tokio::test]
async fn words_that_are_too_long_are_said_in_several_messages() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    let long = format!("{}end", "word ".repeat(1_000));
    let caption = format!("{}end", "x ".repeat(600));
    staff.say(ROOM, &long).await;
    let url = upload(&gateway, ROOM, "pool.png", "image/png", PNG).await;
    staff.show(ROOM, "image", &url, "pool.png", &caption).await;
    let taken = api.taken(4).await;
    assert_eq!(texts(&taken[..2]).join(" "), long);
    assert_eq!(taken[2]["image"].as_object().unwrap().len(), 1);
    assert_eq!(taken[3]["text"]["body"].as_str().unwrap(), caption);
    assert_eq!(api.violations(), [""; 0]);
}

/// WhatsApp takes no GIF, and nobody outside could follow a link to the gateway of this test.
#[tokio::test]
async fn a_file_that_is_not_taken_there_is_refused_and_the_next_message_goes_on() {
    let mut api = Api::start().await;
    let gateway = open(&api).await;
    let mut staff = Staff::at(&gateway).await;
    let url = upload(&gateway, ROOM, "dance.gif", "image/gif", GIF).await;
    staff.show(ROOM, "image", &url, "dance.gif", "look").await;
    staff.say(ROOM, "after it").await;
    assert_eq!(texts(&api.taken(1).await), ["after it"]);
    let refused = r#"dragoman_delivery_refused_total{delivery="guests",reason="unsupported_type"}"#;
    figure_is(&[&gateway], refused, 1).await;
    assert_eq!(api.violations(), [""; 0]);
}

/// With a public address files are linked to: those that are not taken in words, and all of them where the variant says so.
#[tokio::test]
async fn files_are_linked_to_where_they_have_a_public_address() {
    let mut api = Api::start().await;
    let more = super::scene::config(&api, "").replace("whatsapp_cloud", "whatsapp_cloud@link");
    let gateway = super::harness::Gateway::start_changed(|text| {
        text.replacen("root = \"", "public_url = \"https://chat.hotel.example\"\nroot = \"", 1) + &more
    })
    .await;
    let mut staff = Staff::at(&gateway).await;
    for (name, mime, content) in [("pool.png", "image/png", PNG), ("dance.gif", "image/gif", GIF)] {
        let url = upload(&gateway, ROOM, name, mime, content).await;
        staff.show(ROOM, "image", &url, name, "look").await;
    }
    let taken = api.taken(2).await;
    let link = taken[0]["image"]["link"].as_str().unwrap();
    assert!(link.starts_with("https://chat.hotel.example/media/chat/") && link.ends_with("/pool.png"), "{link}");
    assert_eq!(taken[0]["image"]["caption"], "look");
    let words = taken[1]["text"]["body"].as_str().unwrap();
    assert!(
        words.starts_with("look [dance.gif, ") && words.contains("https://chat.hotel.example/media/chat/"),
        "{words}"
    );
    assert!(api.media().is_empty());
    assert_eq!(api.violations(), [""; 0]);
}

/// Conversations of other kinds where the config says so, and another token from a reload on.
#[tokio::test]
async fn the_config_says_which_conversations_and_a_reload_changes_the_token() {
    let mut api = Api::start().await;
    let gateway = open_with(&api, "conversations = [\"support\"]").await;
    let file = gateway.folder().join("routes.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, good.replace(TOKEN, "a-token-that-has-ended")).unwrap();
    reload(&gateway).await;
    let mut staff = Staff::at(&gateway).await;
    staff.say(ROOM, "of another kind").await;
    staff.say(SUPPORT, "waits for a good token").await;
    figure_is(&[&gateway], r#"dragoman_delivery_calls_total{delivery="guests",outcome="failed"}"#, 1).await;
    std::fs::write(&file, good).unwrap();
    reload(&gateway).await;
    assert_eq!(texts(&api.taken(1).await), ["waits for a good token"]);
    let refused = format!("POST /v22.0/{SENDER}/messages: Invalid OAuth access token");
    assert!(!api.violations().is_empty() && api.violations().iter().all(|violation| *violation == refused));
}

async fn reload(gateway: &super::harness::Gateway) {
    let request = super::harness::http::request("POST", "/api/reload", &[], b"");
    let answer = super::harness::http::send(gateway.admin, &request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
