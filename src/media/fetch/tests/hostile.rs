//! URLs that must reach nobody: not the resolver where the text says enough, no address in any case.

use super::stage::{Stage, file};
use crate::fault::Reason;

/// Refused by their text alone. The stage's own endpoints and its list are those of [`stage`].
const HOSTILE: &[&str] = &[
    // This machine, in all the ways to write it.
    "http://127.0.0.1:{trap}/",
    "http://localhost:{trap}/",
    "HTTP://LocalHost:{trap}/",
    "hTTp://127.0.0.1:{trap}/",
    "http://127.1:{trap}/",
    "http://127.0.1:{trap}/",
    "http://0:{trap}/",
    "http://0.0.0.0:{trap}/",
    "http://2130706433:{trap}/",
    "http://0x7f000001:{trap}/",
    "http://0X7F.0.0.1:{trap}/",
    "http://0x7f.1:{trap}/",
    "http://0177.0.0.1:{trap}/",
    "http://0177.0.0.0x1:{trap}/",
    "http://017700000001:{trap}/",
    "http://127.0.0.1.:{trap}/",
    "http://127.0.0.256:{trap}/",
    "http://6425673729:{trap}/",
    "http://[::1]:{trap}/",
    "http://[::]:{trap}/",
    "http://[0:0:0:0:0:0:0:1]:{trap}/",
    "http://[::ffff:127.0.0.1]:{trap}/",
    "http://[::FFFF:7f00:1]:{trap}/",
    "http://[::127.0.0.1]:{trap}/",
    "http://[64:ff9b::7f00:1]:{trap}/",
    "http://[2002:7f00:1::]:{trap}/",
    "http://[::1%25lo]:{trap}/",
    "http://[fe80::1%eth0]:{trap}/",
    "http://[127.0.0.1]:{trap}/",
    "http://[v1.7f000001]:{trap}/",
    "http://[::1:{trap}/",
    "http://::1:{trap}/",
    "http://localhost.:{trap}/",
    "http://localhost.localdomain:{trap}/",
    "http://127.0.0.1.nip.io:{trap}/",
    // Networks behind the gateway, and the machine's secrets.
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://metadata.google.internal/",
    // A public address is no name of the list either.
    "http://93.184.215.14/",
    "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    // The own endpoint in another spelling, with another port, another scheme.
    "http://127.1:{host}/",
    "http://2130706433:{host}/",
    "http://127.0.0.1.:{host}/",
    "http://127.0.0.01:{host}/",
    "http://localhost:{host}/",
    "http://[::ffff:127.0.0.1]:{host}/",
    "https://127.0.0.1:{host}/",
    "ws://127.0.0.1:{host}/",
    "http://127.0.0.1/",
    "http://[fd12:0::5]:8000/",
    "http://[FD12:0:0:0:0:0:0:5]:8000/",
    "http://backend.internal:8001/",
    "https://backend.internal:8000/",
    // Users and passwords, and what stands where they would.
    "http://cdn.example@127.0.0.1:{trap}/",
    "http://cdn.example:80@127.0.0.1:{trap}/",
    "http://127.0.0.1:{trap}@cdn.example/",
    "https://user:pass@cdn.example/",
    "https://@cdn.example/",
    "https://cdn.example%40127.0.0.1:{trap}/",
    "https://cdn.example&@127.0.0.1:{trap}/",
    // Fragments, queries and backslashes where readers disagree about the end of the host.
    "https://cdn.example#@127.0.0.1:{trap}/",
    "http://127.0.0.1:{trap}#.cdn.example/",
    "https://cdn.example/x#y",
    "http://127.0.0.1:{trap}?.cdn.example/",
    "https://cdn.example?@127.0.0.1:{trap}/",
    "http://127.0.0.1:{trap}\\@cdn.example/",
    "https://cdn.example\\@127.0.0.1:{trap}/",
    "https://cdn.example/\\..\\x",
    "http:\\\\127.0.0.1:{trap}\\",
    "https:/\\127.0.0.1:{trap}/",
    "http://127.0.0.1:{trap};.cdn.example/",
    "http://127.0.0.1:{trap},cdn.example/",
    // Control characters and white space, visible or not.
    " https://cdn.example/",
    "https://cdn.example/ ",
    "https://cdn.example/a b",
    "https://cdn.example/\tx",
    "https://cdn.example/\r\nHost:\u{a0}127.0.0.1",
    "https://cdn.example/x HTTP/1.1\r\nX: y",
    "https://cdn.example/\0",
    "ht\ntp://127.0.0.1:{trap}/",
    "http://127.0.0.1\t:{trap}/",
    "https://cdn.example\u{2028}/",
    "https://cdn.example/\u{85}",
    // Hosts that some reader folds, decodes or maps.
    "http://%31%32%37.0.0.1:{trap}/",
    "https://cdn%2eexample/",
    "https://cdn.example%00.evil.test/",
    "http://127。0。0。1:{trap}/",
    "http://①②⑦.0.0.1:{trap}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{trap}/",
    "http://１２７.0.0.1:{trap}/",
    "http://local\u{ad}host:{trap}/",
    "https://cdn．example/",
    "https://сdn.example/",
    "https://cdn.example\u{200b}/",
    // Schemes, and none.
    "file:///etc/passwd",
    "file://127.0.0.1:{trap}/",
    "ftp://cdn.example/",
    "gopher://127.0.0.1:{trap}/_x",
    "dict://127.0.0.1:{trap}/",
    "data:text/plain,x",
    "javascript://cdn.example/%0aalert(1)",
    "jar:http://127.0.0.1:{trap}/!/x",
    "url:http://127.0.0.1:{trap}/",
    "http+unix://%2Frun%2Fx.sock/",
    "//cdn.example/x",
    "/etc/passwd",
    "cdn.example/x",
    "",
    "http:cdn.example/",
    "http:/127.0.0.1:{trap}/",
    "http:///127.0.0.1:{trap}/",
    "http://",
    "https:///x",
    "https://:443/x",
    // Ports.
    "https://cdn.example:8443/",
    "https://cdn.example:80/",
    "http://cdn.example:443/",
    "https://cdn.example:0/",
    "https://cdn.example:65979/",
    "https://cdn.example:0443/",
    "https://cdn.example:+443/",
    "https://cdn.example:443:443/",
    "https://cdn.example:/",
    "https://cdn.example:443x/",
    "https://cdn.example:４４３/",
    // Names that look like those of the list.
    "https://evilcdn.example/",
    "https://cdn.example.evil.test/",
    "https://sub.cdn.example/",
    "https://files.example/",
    "https://.files.example/",
    "https://a..files.example/",
    "https://evilfiles.example/",
    "https://*.files.example/",
    "https://cdn.example../",
    "https://-cdn.example/",
    "https://cdn-.example/",
    "https://cdn.example$/",
    "https://cdn.example/100%",
    "https://cdn.example/%zz",
];

async fn stage() -> Stage {
    let stage = Stage::silent().await.allowed("cdn.example").own("http://127.0.0.1:{host}");
    let mut stage =
        stage.own("http://[fd12::5]:8000").own("http://backend.internal:8000/api").own("ftp://127.0.0.1:{trap}");
    stage.settings.allowed.push("*.files.example".to_owned());
    stage
}

#[tokio::test]
async fn hostile_urls_reach_nobody() {
    let mut stage = stage().await;
    let fetcher = stage.fetcher();
    for written in HOSTILE {
        let url = stage.filled(written);
        assert!(!fetcher.permits(&url), "{written:?} is permitted");
        let fault = fetcher.fetch(&url, None).await.map(|_| ()).expect_err(written);
        assert_eq!(fault.reason, Reason::FileNotFound, "{written:?}: {fault}");
        assert!(fault.detail.is_some(), "{written:?}: {fault}");
    }
    assert!(HOSTILE.len() > 120);
    assert_eq!(stage.dials(), [], "somebody was dialled");
    assert_eq!(stage.names.asked(), [""; 0], "a name was looked up");
    assert_eq!(stage.tripped().await, 0, "somebody connected");
}

/// The stage can fail: what the table calls hostile is reached where the operator says so.
#[tokio::test]
async fn the_tripwire_trips() {
    let mut stage = stage().await.own("http://127.0.0.1:{trap}");
    let url = stage.filled("http://127.0.0.1:{trap}/");
    let fault = stage.fetcher().fetch(&url, None).await.map(|_| ()).expect_err("the tripwire does not answer");
    assert_eq!(fault.reason, Reason::Upstream);
    assert_eq!(stage.dials().len(), 1);
    assert_eq!(stage.tripped().await, 1);
}

/// Each address beside or instead of a public one.
#[tokio::test]
async fn an_allowed_name_with_an_address_of_ours_is_not_dialled() {
    let mut stage = stage().await;
    let fetcher = stage.fetcher();
    for address in [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "169.254.169.254",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.215.14",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:5db8:d70e::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        for answer in [&[address][..], &["93.184.215.14", address], &[address, "2606:4700::1111"]] {
            for name in ["cdn.example", "deep.down.files.example"] {
                stage.names.set(name, &[answer]);
                for url in [format!("http://{name}/x?token=hidden"), format!("https://{name}./x?token=hidden")] {
                    assert!(fetcher.permits(&url), "{url}: its text is fine");
                    let fault = fetcher.fetch(&url, None).await.map(|_| ()).expect_err(address);
                    assert_eq!(fault.reason, Reason::FileNotFound, "{answer:?}: {fault}");
                    assert!(!fault.to_string().contains("hidden"), "{fault}");
                    assert!(!fault.to_string().contains(address), "what the name leads to is told: {fault}");
                }
            }
        }
    }
    assert_eq!(stage.dials(), [], "somebody was dialled");
    assert_eq!(stage.tripped().await, 0, "somebody connected");
}

/// The operator's word for a private endpoint is none for what no backend has.
#[tokio::test]
async fn an_own_name_may_be_private_and_nothing_worse() {
    let stage = Stage::new(|_| file("hello")).await.own("http://backend.internal:8000");
    let fetcher = stage.fetcher();
    for (address, good) in [
        ("10.1.2.3", true),
        ("172.20.0.5", true),
        ("192.168.1.1", true),
        ("100.64.0.1", true),
        ("fd12::5", true),
        ("93.184.215.14", true),
        ("169.254.169.254", false),
        ("100.100.100.200", false),
        ("fd00:ec2::254", false),
        ("fe80::1", false),
        ("0.0.0.0", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("::ffff:10.1.2.3", false),
        ("2002:a01:203::1", false),
    ] {
        stage.names.set("backend.internal", &[&[address]]);
        let before = stage.dials().len();
        let fetched = fetcher.fetch("http://backend.internal:8000/x", None).await;
        assert_eq!(fetched.is_ok(), good, "{address}");
        assert_eq!(stage.dials().len() - before, usize::from(good), "{address}");
    }
}

/// The name is resolved once; what is dialled is what was checked.
#[tokio::test]
async fn rebinding_a_name_changes_nothing() {
    let mut stage = Stage::new(|_| file("hello")).await.allowed("cdn.example");
    stage.names.set("cdn.example", &[&["93.184.215.14"], &["127.0.0.1"]]);
    let fetcher = stage.fetcher();

    assert!(fetcher.fetch("http://cdn.example/x", None).await.is_ok());
    assert_eq!(stage.names.asked().len(), 1, "a second question could have been answered otherwise");
    assert_eq!(stage.dials(), [("93.184.215.14:80".parse().unwrap(), None)]);

    let fault = fetcher.fetch("http://cdn.example/x", None).await.map(|_| ()).expect_err("now it is loopback");
    assert_eq!(fault.reason, Reason::FileNotFound);
    assert_eq!(stage.dials().len(), 1, "nothing new was dialled");
    assert_eq!(stage.tripped().await, 0);
}
