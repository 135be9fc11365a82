//! What each backend takes: every ordered pair of dialects, every type of the documents, and sizes at and above each limit.
//! In: the documents. Out: what happens, which is what they say and what `dragoman check` declares.

use std::process::Command;

use super::documents::{Declared, Fate, SAMPLES, find, limit};
use crate::pair::scene::{Scene, Staging};

const DIALECTS: [&str; 5] = ["frontdesk", "andromedia", "licomed", "divar", "luxmart"];

/// What the route says of losses, and what becomes then of what the backend does not take.
const RULES: [(&str, Fate); 2] = [("degrade", Fate::Linked), ("refuse", Fate::Refused)];

/// What `dragoman check` declares for the scene's config.
fn declared(scene: &Scene) -> Declared {
    let config = scene.gateway.folder().join("routes.toml");
    let output =
        Command::new(env!("CARGO_BIN_EXE_dragoman")).arg("check").arg("--config").arg(config).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Declared::read(&String::from_utf8(output.stdout).unwrap())
}

/// Sends a file and looks what the backend made of it.
async fn play(scene: &mut Scene, extension: &str, size: usize) -> Fate {
    let sample = find(extension);
    let (name, bytes) = (format!("sample.{extension}"), sample.bytes(size));
    let case = format!("{} → {}, {name}, {size} bytes", scene.from, scene.to);
    match scene.client.say_file(&name, sample.mime, &bytes, "").await {
        Err((status, words)) => {
            assert!(status < 500 && !words.is_empty(), "{case}: {status} {words}\n{}", scene.gateway.log());
            Fate::Refused
        }
        Ok(()) => {
            let taken = scene.backend.taken().await;
            if let Some(file) = taken.file {
                assert!(file == bytes, "{case}: other bytes");
                return Fate::Carried;
            }
            let link = taken.body.split_whitespace().find(|word| word.starts_with("http://"));
            let link = link.unwrap_or_else(|| panic!("{case}: neither file nor link: {:?}", taken.body));
            assert!(taken.body.contains(&name), "{case}: {:?}", taken.body);
            let (status, fetched) = scene.client.fetch(link).await;
            assert!(status == 200 && fetched == bytes, "{case}: the link is answered {status}");
            Fate::Linked
        }
    }
}

/// All types that clients of this dialect may send, to each of the other dialects, under both rules.
async fn types_of(from: &'static str) {
    const SMALL: usize = 2000;
    for to in DIALECTS.into_iter().filter(|to| *to != from) {
        for (rule, instead) in RULES {
            let staging = Staging { route: format!("on_loss = \"{rule}\""), ..Staging::default() };
            let mut scene = Scene::set_as(from, to, &staging).await;
            let declared = declared(&scene);
            for sample in SAMPLES.iter().filter(|sample| limit(from, sample.extension).is_some()) {
                let wanted = if limit(to, sample.extension).is_some() { Fate::Carried } else { instead };
                let case = format!("{from} → {to}, {rule}, {}", sample.extension);
                assert_eq!(declared.fate(sample.kind, sample.extension, SMALL), wanted, "declared of {case}");
                if wanted == Fate::Carried && instead == Fate::Refused {
                    // It was carried under the other rule.
                    continue;
                }
                assert_eq!(play(&mut scene, sample.extension, SMALL).await, wanted, "{case}");
            }
            assert_eq!(scene.backend.complaints(), Vec::<String>::new(), "{from} → {to}");
        }
    }
}

#[tokio::test]
async fn types_of_frontdesk() {
    types_of("frontdesk").await;
}

#[tokio::test]
async fn types_of_andromedia() {
    types_of("andromedia").await;
}

#[tokio::test]
async fn types_of_licomed() {
    types_of("licomed").await;
}

#[tokio::test]
async fn types_of_divar() {
    types_of("divar").await;
}

#[tokio::test]
async fn types_of_luxmart() {
    types_of("luxmart").await;
}

/// As much as the backend's document allows, and one byte more. The route allows its clients more than any backend.
async fn sizes(from: &'static str, to: &'static str, extensions: &[&str]) {
    for (rule, instead) in RULES {
        let route = format!("limits = {{ upload = \"64MiB\" }}\non_loss = \"{rule}\"");
        let mut scene = Scene::set_as(from, to, &Staging { route, ..Staging::default() }).await;
        let declared = declared(&scene);
        for extension in extensions {
            let most = limit(to, extension).expect("a type that the backend takes");
            for (size, wanted) in [(most, Fate::Carried), (most + 1, instead)] {
                let case = format!("{from} → {to}, {rule}, {extension} of {size} bytes");
                assert_eq!(declared.fate(find(extension).kind, extension, size), wanted, "declared of {case}");
                if wanted == Fate::Carried && instead == Fate::Linked {
                    // It is carried under the other rule, which is the stricter one.
                    continue;
                }
                assert_eq!(play(&mut scene, extension, size).await, wanted, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn sizes_at_frontdesk() {
    sizes("licomed", "frontdesk", &["pdf", "mp4"]).await;
    sizes("luxmart", "frontdesk", &["png"]).await;
    sizes("andromedia", "frontdesk", &["mp3"]).await;
}

#[tokio::test]
async fn sizes_at_luxmart() {
    sizes("licomed", "luxmart", &["pdf"]).await;
    sizes("frontdesk", "luxmart", &["png"]).await;
}

/// Videos are in `large`.
#[tokio::test]
async fn sizes_at_divar() {
    sizes("licomed", "divar", &["png", "pdf", "m4a"]).await;
    sizes("frontdesk", "divar", &["docx"]).await;
    sizes("luxmart", "divar", &["xlsx"]).await;
}

#[tokio::test]
async fn sizes_where_no_document_gives_one() {
    sizes("divar", "andromedia", &["mp4"]).await;
    sizes("frontdesk", "licomed", &["pdf"]).await;
}
