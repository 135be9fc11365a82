//! Commands as their users see them: arguments in; data, talk and an exit code out.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use futures_util::FutureExt;

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

pub(super) struct Ended {
    pub exit: Exit,
    pub data: String,
    pub talk: String,
}

pub(super) fn dragoman(arguments: &[&str]) -> Ended {
    let (data, talk) = (Stream::default(), Stream::default());
    let mut console = Console::of(Box::new(data.clone()), Box::new(talk.clone()));
    let arguments = std::iter::once("dragoman").chain(arguments.iter().copied()).map(Into::into);
    let exit = run(arguments, &mut console);
    Ended { exit, data: data.text(), talk: talk.text() }
}

pub(super) const ROUTES: &str = r#"
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

pub(super) struct File {
    folder: tempfile::TempDir,
}

impl File {
    pub fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("routes.toml"), text).unwrap();
        File { folder }
    }

    pub fn path(&self) -> String {
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
    let verifier = Verifier::new(&loaded.config.routes[0].auth, |_| panic!("no keys are fetched here")).unwrap();
    let presented = Presented { token: Some(ended.data.trim()), ..Presented::default() };
    let principal = verifier.verify(&presented).now_or_never().expect("at once").unwrap();
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
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = File::new(crate::config::DEFAULT_TEXT);
    let ended = dragoman(&["serve", "-c", &file.path(), "--listen", &address, "--admin", "off"]);
    assert_eq!(ended.exit, Exit::Failed);
    let words = format!("cannot listen on {address} (`server.listen`): ");
    assert!(ended.talk.contains(&words), "{}", ended.talk);
}

/// Answers one request with this, and returns where.
fn answering(status: &'static str, body: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap();
        let length = body.len();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    });
    address
}

#[test]
fn health_is_a_line_and_an_exit_code() {
    let file = File::new("[server]\nadmin = \"off\"\n");
    let check = |more: &[&str]| dragoman(&[&["healthcheck", "-c", &file.path()], more].concat());
    let address = answering("200 OK", r#"{"status":"ready, but not well","upstreams":{"clinic":"away"}}"#);
    let ended = check(&["--admin", &address]);
    assert_eq!((ended.exit, ended.data.as_str()), (Exit::Fine, "ready, but not well: upstreams clinic: away\n"));
    let address = answering("503 Service Unavailable", r#"{"status":"stopping"}"#);
    let ended = check(&["--admin", &format!("http://{address}")]);
    assert_eq!((ended.exit, ended.data.as_str()), (Exit::Failed, "stopping\n"));
    // It speaks, but not TLS; it is there, and says nothing; there is no address.
    let address = answering("200 OK", "");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (arguments, words) in [
        (&["--admin", &format!("https://{address}")][..], "does not speak TLS"),
        (&["--admin", &silent.local_addr().unwrap().to_string(), "--timeout", "100ms"], "in time"),
        (&[], "`server.admin` is off"),
    ] {
        let ended = check(arguments);
        assert_eq!((ended.exit, ended.data.as_str()), (Exit::Failed, ""), "{arguments:?}");
        assert!(ended.talk.contains(words), "{arguments:?}: {}", ended.talk);
    }
    assert_eq!(check(&["--admin", "gateway:9090"]).exit, Exit::Usage);
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
fn the_config_is_named_before_or_behind_a_command_s_command() {
    for arguments in [["uploads", "-c", "/no/such.toml", "list"], ["uploads", "list", "-c", "/no/such.toml"]] {
        let ended = dragoman(&arguments);
        assert_eq!(ended.exit, Exit::Config, "{arguments:?}: {}", ended.talk);
        assert!(ended.talk.contains("/no/such.toml: there is no such file"), "{}", ended.talk);
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = dragoman(&["completions", shell]);
        assert!(ended.exit == Exit::Fine && ended.data.contains("token"), "{shell}");
    }
}

#[test]
fn schemas_are_those_of_the_repository() {
    for (name, file) in [("config", "routes"), ("dialect", "dialect"), ("event", "event"), ("problem", "problem")] {
        let path = format!("{}/schemas/{file}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let ended = dragoman(&["schema", name]);
        assert_eq!((ended.exit, ended.talk.as_str()), (Exit::Fine, ""));
        assert!(
            ended.data == std::fs::read_to_string(&path).unwrap(),
            "{path} is another than `dragoman schema {name}`"
        );
    }
}
