//! What is said of a frame's way, by the config of a few routes.

use std::path::Path;

use super::*;
use crate::config::Inputs;
use crate::dialect::builtin::BUILTIN;

const ROUTES: &str = r#"
[upstreams.clinic]
dialect = "licomed"
http = "http://127.0.0.1:8000"
credential = { kind = "forward" }

[[routes]]
name = "staff"
dialect = "frontdesk"
to = "hub"
auth = { kind = "none" }

[[routes]]
name = "shops"
dialect = "luxmart"
to = "hub"
auth = { kind = "none" }

[[routes]]
name = "patients"
dialect = "luxmart"
prefix = "/patients"
to = "clinic"
auth = { kind = "none" }
"#;

/// What is said of a frame of a client.
fn explained(route: &str, heard_by: Option<&str>, frame: &str) -> Json {
    let loaded = config::check("t.toml", ROUTES, Path::new(""), &Inputs::default(), BUILTIN).expect("a config");
    let find = |name: &str| loaded.config.routes.iter().find(|route| *route.name == *name).expect("a route");
    let way = Way::over(find(route), config::Known::of(&loaded.config), config::SaidBy::Client, heard_by.map(find));
    explain(&[way.expect("a way")], Said { text: frame, call: None })
}

#[test]
fn the_way_of_a_frame() {
    let frame = r#"{"type":"text","conversation_id":7,"content":"two towels"}"#;
    let found = explained("staff", Some("shops"), frame);
    let shapes = found["shapes"].as_array().expect("shapes");
    let read: Vec<&Json> = shapes.iter().filter(|shape| shape["is_it"] == true).collect();
    assert_eq!(read.len(), 1, "{found:#}");
    assert_eq!(read[0]["frame"], "text");
    let others = shapes.iter().filter(|shape| shape["is_it"] == false);
    assert!(others.clone().count() > 0 && others.clone().all(|shape| shape["why"].is_string()), "{found:#}");
    assert!(others.clone().any(|shape| shape["why"].as_str().is_some_and(|why| why.starts_with("`type` is not \""))));
    assert_eq!((&found["kind"], &found["event"]["body"]), (&json!("message/text"), &json!("two towels")));
    let heard = &found["heard"][0];
    assert_eq!(heard["dialect"], "luxmart");
    assert_eq!(heard["frames"][0]["payload"]["message"]["content"], "two towels", "{found:#}");
    assert!(heard["form"].as_str().is_some_and(|form| form.starts_with("socket.")), "{found:#}");
    let shown = text::of(&found);
    assert!(shown.contains("✓ socket.chat text\n") && shown.contains("\n  examples here: "), "{shown}");
}

#[test]
fn what_is_refused_has_no_way() {
    let found = explained("staff", None, r#"{"type":"text","conversation_id":7}"#);
    assert_eq!((&found["refused"]["reason"], &found["heard"]), (&json!("missing"), &json!([])));
    assert!(text::of(&found).contains("\nrefused (missing): "), "{}", text::of(&found));
    assert_eq!(explained("staff", None, "no JSON")["shapes"], json!([]));
}

#[test]
fn what_an_upstream_cannot_be_told_is_said() {
    let frame = r#"{"type":"message","payload":{"session_id":7,"content":"hi"}}"#;
    let found = explained("patients", None, frame);
    assert_eq!(found["heard"][0]["dialect"], "licomed", "{found:#}");
    assert_eq!(found["heard"][0]["frames"][0]["message_body"], "hi", "{found:#}");
}
