//! What the admin listener must keep to itself: the token, and the keys of its certificate, good and broken. In: a gateway with
//! both, commands that ask it, files that change. Out: nothing of them in its log, or in what the commands say.

use std::path::Path;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::harness::{Gateway, PATIENCE};
use crate::secrets::Planted;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

/// What a command says with this config.
async fn dragoman(config: &Path, arguments: &[&str]) -> (bool, Vec<u8>) {
    let (command, rest) = arguments.split_first().expect("a command");
    let mut dragoman = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    let done = dragoman.arg(command).arg("--config").arg(config).args(rest).output().await.expect("it runs");
    (done.status.success(), [done.stdout, done.stderr].concat())
}

/// The lines of a key in PEM form are secrets, each.
fn plant_key(planted: &mut Planted, place: &str, pem: &str) {
    for line in pem.lines().filter(|line| !line.starts_with('-')) {
        planted.add(place, line);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_token_nor_a_key_is_said_anywhere() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut planted = Planted::new(seed);
    let token = planted.plant("the token of operators", false);
    let [broken, other] = ["a key that is broken", "another token"].map(|place| planted.plant(place, true));
    for name in ["p256.pem", "rsa.pem"] {
        let pem = std::fs::read_to_string(Path::new(KEYS).join(name)).expect("a key");
        plant_key(&mut planted, name, &pem);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |file: &str| folder.path().join(file);
    let place = |file: &str, from: &str| std::fs::copy(Path::new(KEYS).join(from), at(file)).expect("copied");
    place("tls.crt", "localhost.pem");
    place("tls.key", "p256.pem");
    let files = folder.path().display();
    let tls = format!(
        "admin_tls = {{ cert = \"{files}/tls.crt\", key = \"{files}/tls.key\", client_ca = \"{KEYS}/localhost.rsa.pem\" }}"
    );
    let gateway = Gateway::start_changed(|text| {
        text.replace("[server]\n", &format!("[server]\nadmin_token = \"{token}\"\n{tls}\n"))
    })
    .await;
    let (admin, config) = (gateway.admin.to_string(), gateway.folder().join("routes.toml"));
    let mut said = Vec::new();

    let listed = dragoman(&config, &["uploads", "--admin", &admin, "list"]).await;
    assert!(listed.0, "{}", String::from_utf8_lossy(&listed.1));
    said.push(listed);
    said.push(dragoman(&config, &["healthcheck", "--admin", &admin]).await);

    // Keys that are none: of a pair that is shown, and of a config that is checked.
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{broken}\n-----END PRIVATE KEY-----\n");
    for key in
        [pem.as_str(), broken.as_str(), &std::fs::read_to_string(Path::new(KEYS).join("rsa.pem")).expect("a key")]
    {
        std::fs::write(at("tls.key"), key).expect("written");
        let checked = dragoman(&config, &["check"]).await;
        assert!(!checked.0, "this is no pair");
        said.push(checked);
    }
    let refused = "the new certificate is not taken";
    let until = Instant::now() + PATIENCE;
    while !gateway.log().contains(refused) {
        assert!(Instant::now() < until, "nobody looked at the files");
        sleep(std::time::Duration::from_millis(20)).await;
    }
    place("tls.key", "p256.pem");

    // Lines with mistakes are shown without what is secret in them; another token is refused.
    let written = std::fs::read_to_string(&config).expect("readable");
    let file = gateway.folder().join("other.toml");
    for (text, arguments) in [
        (written.replace(&token, &format!("{other}\" \"")), &["check"][..]),
        (written.replace(&format!("\"{token}\""), &format!("[\"{token}\"]")), &["check"]),
        (written.replace("admin_tls = {", &format!("admin_tls = {{ value = \"{other}\",")), &["check"]),
        (written.replace(&token, &other), &["uploads", "--admin", &admin, "list"]),
    ] {
        std::fs::write(&file, text).expect("written");
        let ended = dragoman(&file, arguments).await;
        assert!(!ended.0 || arguments[0] == "uploads", "{}", String::from_utf8_lossy(&ended.1));
        said.push(ended);
    }

    let log = gateway.log();
    assert!(log.contains("TRACE") && log.contains("rustls"), "not all there is to log was logged");
    let mut found = planted.found_in("the log", log.as_bytes());
    found.extend(said.iter().flat_map(|(_, words)| planted.found_in("a command", words)));
    assert!(found.is_empty(), "{}", found.join("\n"));
}
