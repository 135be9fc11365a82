//! What an operator is told of a config.

use std::net::TcpListener;

use crate::cli::Exit;
use crate::cli::tests::{File, ROUTES, dragoman};

#[test]
fn a_good_config_is_a_table() {
    let file = File::new(ROUTES);
    let ended = dragoman(&["check", "-c", &file.path()]);
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, ""));
    let wanted = "\
ROUTE  DIALECT    WHERE              TO   AUTH       UPLOADS
staff  frontdesk  127.0.0.1:8080     hub  jwt HS256  -
keys   divar      127.0.0.1:8080     hub  1 token    -
open   licomed    chat.example/open  hub  none       -
";
    assert_eq!(ended.data, wanted);
}

#[test]
fn routes_to_upstreams_name_their_losses() {
    let upstreams = "
[upstreams.clinic]
dialect = \"licomed\"
http = \"http://127.0.0.1:8000\"
credential = { kind = \"forward\" }

[upstreams.shop]
dialect = \"luxmart\"
http = \"http://127.0.0.1:8001\"
health = { path = \"/healthz\", every = \"5s\" }
credential = { kind = \"forward\" }
";
    let routes = ROUTES.replacen("\"hub\"", "\"shop\"\non_loss = \"refuse\"", 1).replacen("\"hub\"", "\"clinic\"", 1);
    let same = "
[[routes]]
name = \"users\"
dialect = \"licomed\"
to = \"clinic\"
auth = { kind = \"upstream\" }
";
    let file = File::new(&format!("{upstreams}{routes}{same}"));
    let ended = dragoman(&["check", "-c", &file.path()]);
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, ""));
    let wanted = "\
ROUTE  DIALECT    WHERE              TO                AUTH       UPLOADS
staff  frontdesk  127.0.0.1:8080     shop (luxmart)    jwt HS256  -
keys   divar      127.0.0.1:8080     clinic (licomed)  1 token    -
open   licomed    chat.example/open  hub               none       -
users  licomed    127.0.0.1:8080     clinic (licomed)  upstream   upstream

UPSTREAM  DIALECT  AT                     SOCKETS AT           IS SHOWN      HEALTH             CALLS BACK
clinic    licomed  http://127.0.0.1:8000  ws://127.0.0.1:8000  the caller's  -                  -
shop      luxmart  http://127.0.0.1:8001  ws://127.0.0.1:8001  the caller's  /healthz every 5s  -

staff: frontdesk to shop (luxmart)
  SAID                                BECOMES              WHICH
  text, image, document               the same
  video, audio, conversation.updated  refused
  document                            refused              txt
  presence                            dropped and counted

keys: divar to clinic (licomed)
  SAID                                 BECOMES                  WHICH
  text, image, video, audio, document  the same
  video                                text with a signed link  above 25 MiB
  buttons                              lines of the text

users: licomed to clinic (licomed): passed on as it is
";
    assert_eq!(ended.data, wanted);
}

#[test]
fn a_bad_config_is_told_on_standard_error() {
    let file = File::new("[sever]\n");
    let ended = dragoman(&["check", "--config", &file.path()]);
    assert_eq!((ended.exit, ended.exit.code(), ended.data.as_str()), (Exit::Config, 78, ""));
    assert!(ended.talk.contains("routes.toml:1:2") && ended.talk.contains("did you mean `server`?"), "{}", ended.talk);
    let token = dragoman(&["token", "-c", &file.path(), "--route", "staff", "--sub", "ann"]);
    assert_eq!((token.exit, token.data.as_str()), (Exit::Config, ""));
}

#[test]
fn warnings_can_be_denied_and_all_is_data_too() {
    let file = File::new(&ROUTES.replacen("to = \"hub\"", "to = \"hub\"\norigins = [\"*\"]", 1));
    let check = |more: &[&str]| dragoman(&[&["check", "-c", &file.path()], more].concat());
    let ended = check(&[]);
    assert!(ended.exit == Exit::Fine && ended.talk.contains("config::any_origin"), "{}", ended.talk);
    assert_eq!(check(&["--deny-warnings"]).exit, Exit::Config);
    let ended = check(&["--format", "json"]);
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, ""));
    let record: serde_json::Value = serde_json::from_str(&ended.data).unwrap();
    assert_eq!((&record["severity"], &record["code"]), (&"warning".into(), &"config::any_origin".into()));
    assert_eq!((&record["file"], &record["line"]), (&file.path().into(), &6.into()));
    let broken = File::new("[sever]\n");
    let ended = dragoman(&["check", "-c", &broken.path(), "--format", "json"]);
    assert_eq!((ended.exit, ended.talk.as_str(), ended.data.lines().count()), (Exit::Config, "", 2), "{}", ended.data);
    let fine = File::new(ROUTES);
    let ended = dragoman(&["check", "-c", &fine.path(), "--format", "json", "--deny-warnings"]);
    assert_eq!((ended.exit, ended.data.as_str(), ended.talk.as_str()), (Exit::Fine, "", ""));
}

#[test]
fn a_config_s_own_tests_are_run() {
    let test = "
[[tests]]
name = \"words\"
route = \"staff\"
frame = '{\"type\":\"text\",\"conversation_id\":7,\"content\":\"hi\"}'
event = { body = \"hi\" }
";
    let file = File::new(&format!("{ROUTES}{test}"));
    let ended = dragoman(&["check", "-c", &file.path()]);
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, "1 test of the config holds\n"));
    let file = File::new(&format!("{ROUTES}{}", test.replace("= \"hi\"", "= \"ho\"")));
    let ended = dragoman(&["check", "-c", &file.path()]);
    assert!(ended.exit == Exit::Config && ended.talk.contains("config::test"), "{}", ended.talk);
}

/// An app that is called, and a guest's phone.
const CALLED: &str = r#"
[upstreams.shop]
dialect = "luxmart"
http = ["http://ONE", "http://OTHER/chat"]
credential = { kind = "forward" }

[[routes]]
name = "market"
dialect = "divar"
to = "hub"
auth = { kind = "tokens", tokens = [{ token = "0123456789abcdef", party = "app" }] }
events = { url = "http://ONE/of-a-secret-path", key = "fedcba9876543210" }

[[routes]]
name = "subscribers"
dialect = "divar"
options = { subscribed_only = true }
prefix = "/subscribed"
to = "hub"
auth = { kind = "tokens", tokens = [{ token = "0123456789abcdeg", party = "app" }] }
events = { url = "http://OTHER/hook", key = "fedcba9876543210" }

[[routes]]
name = "shops"
dialect = "luxmart"
prefix = "/shop"
to = "shop"
auth = { kind = "upstream" }

[deliveries.guests]
dialect = "whatsapp_cloud"
base_url = "http://ONE"
sender = "100000000000001"
token = "of-the-house-0123456789"
conversations = ["service", "support"]
give_up_after = "90m"
"#;

#[test]
fn who_is_called_is_listed_without_what_may_be_secret() {
    let file = File::new(&CALLED.replace("ONE", "127.0.0.1:8001").replace("OTHER", "127.0.0.1:8002"));
    let ended = dragoman(&["check", "-c", &file.path()]);
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, ""));
    let wanted = "\
WEBHOOK OF   DIALECT  CALLS                  TELLS
market       divar    http://127.0.0.1:8001  all of its conversations
subscribers  divar    http://127.0.0.1:8002  what it subscribed to (NEW_MESSAGE_ON_POST)

DELIVERY  DIALECT         CALLS                  AS               CONVERSATIONS     GIVES UP AFTER
guests    whatsapp_cloud  http://127.0.0.1:8001  100000000000001  service, support  90m
";
    assert!(ended.data.contains(wanted), "{}", ended.data);
    for secret in ["of-a-secret-path", "fedcba9876543210", "of-the-house"] {
        assert!(!ended.data.contains(secret), "{secret}: {}", ended.data);
    }
}

#[test]
fn who_is_called_is_connected_to() {
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let (one, other) = (here.local_addr().unwrap().to_string(), gone.local_addr().unwrap().to_string());
    let text = CALLED.replace("ONE", &one).replace("OTHER", &other);
    let file = File::new(&format!("[journal]\nkind = \"embedded\"\npath = \"journal\"\n{text}"));
    let check = || dragoman(&["check", "--connect", "-c", &file.path()]);
    let ended = check();
    assert_eq!(ended.exit, Exit::Fine, "{}", ended.talk);
    drop(gone);
    let ended = check();
    assert_eq!(ended.exit, Exit::Failed, "{}", ended.talk);
    for line in [
        format!("upstreams.shop: http://{one} can be connected to; nothing was asked, `health` names nothing to ask\n"),
        format!(
            "error: upstreams.shop: cannot connect to http://{other}: Connection refused (os error 111)\n  help: `http` there: is it up, and can it be reached from here?\n"
        ),
        format!("routes.market: http://{one} can be connected to; no event was told\n"),
        format!("error: routes.subscribers: cannot connect to http://{other}: "),
        format!(
            "deliveries.guests: http://{one} can be connected to; nothing was said: whether it takes `token` and `sender` was not tried\n"
        ),
    ] {
        assert!(ended.talk.contains(&line), "{line}\nis not in\n{}", ended.talk);
    }
    assert_eq!(ended.talk.matches(&format!("upstreams.shop: http://{one}")).count(), 1, "{}", ended.talk);
    assert!(!ended.talk.contains("of-a-secret-path"), "{}", ended.talk);
}
