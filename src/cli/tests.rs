//! Commands as their users see them: arguments in; data, talk and an exit code out.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use super::{Console, Exit, run};
use crate::auth::{Presented, Verifier};
use crate::config::{self, Inputs};
use crate::dialect::builtin;
use crate::event::Role;

#[derive(Clone, Default)]
struct Stream(Rc<RefCell<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

struct Ended {
    exit: Exit,
    data: String,
    talk: String,
}

fn dragoman(arguments: &[&str]) -> Ended {
    let (data, talk) = (Stream::default(), Stream::default());
    let mut console = Console::of(Box::new(data.clone()), Box::new(talk.clone()));
    let arguments = std::iter::once("dragoman").chain(arguments.iter().copied()).map(Into::into);
    let exit = run(arguments, &mut console);
    Ended { exit, data: data.text(), talk: talk.text() }
}

const ROUTES: &str = r#"
[[routes]]
name = "staff"
dialect = "frontdesk"
to = "hub"
auth = { kind = "jwt", secret = "0123456789abcdef0123456789abcdef", roles = { manager = "staff" } }

[[routes]]
name = "keys"
dialect = "divar"
to = "hub"
auth = { kind = "tokens", tokens = [{ token = "0123456789abcdef", party = "app" }] }

[[routes]]
name = "open"
dialect = "licomed"
prefix = "/open"
host = "chat.example"
to = "hub"
auth = { kind = "none" }
"#;

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("routes.toml"), text).unwrap();
        File { folder }
    }

    fn path(&self) -> String {
        self.folder.path().join("routes.toml").display().to_string()
    }
}

#[test]
fn a_version_says_its_commit_and_its_dialects() {
    let ended = dragoman(&["--version"]);
    assert_eq!(ended.exit, Exit::Fine);
    let mut lines = ended.data.lines();
    let first = lines.next().unwrap_or_default();
    assert!(first.starts_with(concat!("dragoman ", env!("CARGO_PKG_VERSION"), " (commit ")), "{first}");
    let dialects = lines.next().unwrap_or_default();
    for name in builtin::names() {
        assert!(dialects.contains(name), "{dialects}");
    }
    assert_eq!(dragoman(&["-V"]).data.lines().count(), 1);
}

#[test]
fn a_good_config_is_a_table() {
    let file = File::new(ROUTES);
    let ended = dragoman(&["check", "-c", &file.path()]);
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, ""));
    let wanted = "\
ROUTE  DIALECT    WHERE              TO   AUTH       UPLOADS
staff  frontdesk  127.0.0.1:8080     hub  jwt HS256  -
keys   divar      127.0.0.1:8080     hub  1 tokens   -
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
keys   divar      127.0.0.1:8080     clinic (licomed)  1 tokens   -
open   licomed    chat.example/open  hub               none       -
users  licomed    127.0.0.1:8080     clinic (licomed)  upstream   upstream

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
fn a_file_is_laid_out_or_left_alone() {
    let file = File::new("[server]\nlisten=\"127.0.0.1:0\"   # here\nwatch = true\n");
    let before = std::fs::read_to_string(file.path()).unwrap();
    let ended = dragoman(&["fmt", "--check", &file.path()]);
    assert_eq!((ended.exit, ended.data), (Exit::Failed, format!("{}\n", file.path())));
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), before);
    assert_eq!(dragoman(&["fmt", &file.path()]).exit, Exit::Fine);
    let after = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(after, "[server]\nlisten = \"127.0.0.1:0\" # here\nwatch  = true\n");
    assert_eq!(dragoman(&["fmt", "--check", &file.path()]).exit, Exit::Fine);
    assert_eq!(std::fs::read_dir(file.folder.path()).unwrap().count(), 1, "something was left beside it");
    let broken = File::new("[server\n");
    let ended = dragoman(&["fmt", &broken.path(), &file.path()]);
    assert!(ended.exit == Exit::Config && ended.talk.contains("routes.toml:1: "), "{}", ended.talk);
    assert_eq!(std::fs::read_to_string(broken.path()).unwrap(), "[server\n");
    assert_eq!(dragoman(&["fmt", "/no/such/file.toml"]).exit, Exit::Usage);
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
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, "1 tests of the config hold\n"));
    let file = File::new(&format!("{ROUTES}{}", test.replace("= \"hi\"", "= \"ho\"")));
    let ended = dragoman(&["check", "-c", &file.path()]);
    assert!(ended.exit == Exit::Config && ended.talk.contains("config::test"), "{}", ended.talk);
}

#[test]
fn a_token_is_taken_by_its_route() {
    let file = File::new(ROUTES);
    let arguments =
        ["token", "-c", &file.path(), "--route", "staff", "--sub", "ann", "--role", "manager", "--name", "Ann"];
    let more =
        ["--department", "desk", "--department", "spa", "--business", "hotel", "--conversation", "7", "--ttl", "5m"];
    let ended = dragoman(&[&arguments[..], &more[..]].concat());
    assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, ""));
    assert_eq!(ended.data.lines().count(), 1);

    let inputs = Inputs { file: Some(file.path().into()), ..Inputs::default() };
    let loaded = config::load(&inputs, builtin::BUILTIN).unwrap();
    let verifier = Verifier::new(&loaded.config.routes[0].auth).unwrap();
    let presented = Presented { token: Some(ended.data.trim()), ..Presented::default() };
    let principal = verifier.verify(&presented).unwrap();
    assert_eq!((principal.id.as_ref(), principal.role), ("ann", Some(Role::Staff)));
    assert_eq!(principal.departments, ["desk", "spa"]);
    assert_eq!(principal.conversations, ["7"]);
    assert_eq!((principal.name.as_deref(), principal.business.as_deref()), (Some("Ann"), Some("hotel")));
}

#[test]
fn a_token_that_cannot_be_made_says_why() {
    let file = File::new(ROUTES);
    let path = file.path();
    let ask = |more: &[&str]| dragoman(&[&["token", "-c", &path, "--sub", "ann"], more].concat());
    for (arguments, exit, words) in [
        (&["--route", "stuff"][..], Exit::Usage, "there are staff, keys, open"),
        (&["--route", "keys"], Exit::Failed, "fixed tokens"),
        (&["--route", "open"], Exit::Failed, "asks for no token"),
        (&["--route", "staff", "--role", "boss"], Exit::Usage, "known: staff"),
        (&["--route", "staff", "--ttl", "5"], Exit::Usage, "needs a unit"),
        (&["--route", "staff", "--ttl", "0s"], Exit::Usage, "at least 1s"),
        (&[], Exit::Usage, "--route"),
    ] {
        let ended = ask(arguments);
        assert_eq!((ended.exit, ended.data.as_str()), (exit, ""), "{arguments:?}: {}", ended.talk);
        assert!(ended.talk.contains(words), "{arguments:?}: {}", ended.talk);
    }
}

#[test]
fn help_is_data_and_wrong_usage_is_talk() {
    let help = dragoman(&["--help"]);
    assert_eq!((help.exit, help.talk.as_str()), (Exit::Fine, ""));
    assert!(help.data.contains("Examples:") && help.data.contains("78 wrong config"), "{}", help.data);
    for command in ["check", "token", "completions"] {
        let help = dragoman(&[command, "--help"]);
        assert!(help.exit == Exit::Fine && help.data.contains("Example"), "{command}: {}", help.data);
    }
    let wrong = dragoman(&["chekc"]);
    assert_eq!((wrong.exit.code(), wrong.data.as_str()), (2, ""));
    assert!(wrong.talk.contains("check"), "{}", wrong.talk);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = dragoman(&["completions", shell]);
        assert!(ended.exit == Exit::Fine && ended.data.contains("token"), "{shell}");
    }
}
