//! Examples, changed at random, for every parser that reads what others write: the bodies of `fuzz/`, without its engine. A
//! find says its seed and the input.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use dragoman::dialect::builtin;
use image::{DynamicImage, ImageFormat};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::bodies;

/// What parsers trip over.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "-0",
    "1e400",
    "9223372036854775808",
    "\"\"",
    "\"\\ud800\"",
    "\\u0000",
    "{}",
    "[[",
    "]",
    "}",
    ",",
    ":",
    "=",
    "\"",
    "'''",
    "\"\"\"",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "😀",
    "{a?}",
    "{",
    "${X}",
    "${",
    "%2e%2e%2f",
    "%",
    "../",
    "for=",
    "unknown",
    ";",
    "filename*=UTF-8''",
    "[[routes]]",
    "kind",
    "[",
    "2026-11-21T00:00:00Z",
    "0x",
    "1_0",
    "#",
];

/// Changes examples and throws them at a body, so often.
fn throw(seed: u64, times: usize, examples: &[Vec<u8>], body: fn(&[u8])) {
    assert!(!examples.is_empty());
    for example in examples {
        caught(seed, example, body);
    }
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..times {
        let mut input = examples[random.random_range(0..examples.len())].clone();
        for _ in 0..random.random_range(1..=4) {
            change(&mut random, &mut input, examples);
        }
        caught(seed, &input, body);
    }
}

fn caught(seed: u64, input: &[u8], body: fn(&[u8])) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        eprintln!("seed {seed}, input {} bytes: \"{}\"", input.len(), input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

fn change(random: &mut StdRng, input: &mut Vec<u8>, examples: &[Vec<u8>]) {
    let at = random.random_range(0..=input.len());
    let end = random.random_range(at..=input.len().min(at + 40));
    match random.random_range(0..6) {
        0 => drop(input.drain(at..end)),
        1 => {
            let again = input[at..end].to_vec();
            input.splice(end..end, again);
        }
        2 if at < input.len() => input[at] = random.random(),
        3 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
        4 => {
            let other = &examples[random.random_range(0..examples.len())];
            let from = random.random_range(0..=other.len());
            let to = random.random_range(from..=other.len().min(from + 60));
            input.splice(at..end, other[from..to].iter().copied());
        }
        _ => {
            let token = TOKENS[random.random_range(0..TOKENS.len())];
            input.splice(at..end, token.bytes());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every payload of the golden cases, for every dialect and variant: a frame of one is what another must refuse.
fn payloads() -> Vec<Vec<u8>> {
    let dialects = u8::try_from(builtin::all().len() + builtin::variants().len()).expect("few");
    let mut payloads = Vec::new();
    let folders = |path: &Path| -> Vec<_> {
        let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("readable").path());
        entries.filter(|path| path.is_dir()).collect()
    };
    for case in folders(&root().join("tests/golden")).iter().flat_map(|dialect| folders(dialect)) {
        if let Ok(payload) = fs::read(case.join("in.json")) {
            payloads.extend((0..dialects).map(|pick| [&[pick], payload.as_slice()].concat()));
        }
    }
    payloads
}

/// The files of folders that end like this.
fn files(folders: &[&str], end: &str) -> Vec<Vec<u8>> {
    let entries = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.filter(|path| path.to_string_lossy().ends_with(end)).map(|path| fs::read(path).expect("readable")).collect()
}

#[test]
fn frames_of_clients() {
    throw(1, 4_000, &payloads(), bodies::frames::of_clients);
}

#[test]
fn frames_of_servers() {
    throw(2, 4_000, &payloads(), bodies::frames::of_servers);
}

#[test]
fn calls() {
    let picks = 0..u8::try_from(builtin::all().len()).expect("few");
    let calls = picks.zip(builtin::all()).flat_map(|(pick, dialect)| {
        let call = move |call: &dragoman::dialect::Call| {
            let path = call.paths[0].replace(['{', '}'], "");
            format!("{}{}\n{path}\n{{\"message\":\"hi\",\"content\":\"hi\"}}", char::from(pick), call.method)
                .into_bytes()
        };
        dialect.calls.iter().map(call).collect::<Vec<_>>()
    });
    throw(3, 4_000, &calls.collect::<Vec<_>>(), bodies::frames::calls);
}

#[test]
fn dialect_files() {
    throw(4, 250, &files(&["dialects", "examples", "tests/config/broken-dialects"], ".toml"), bodies::dialects::file);
}

#[test]
fn configs() {
    let configs = files(&[".", "deploy", "tests/config/good", "tests/config/broken"], ".toml");
    throw(5, 1_000, &configs, bodies::configs::routes);
    throw(6, 1_000, &configs, bodies::configs::layout);
}

#[test]
fn images() {
    let picture = DynamicImage::new_rgb8(24, 16);
    let written = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("written");
        bytes.into_inner()
    };
    let formats = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP].map(written);
    let examples = formats.iter().flat_map(|file| [0, 1].map(|pick| [&[pick], file.as_slice()].concat()));
    throw(7, 3_000, &examples.collect::<Vec<_>>(), bodies::images::treated);
}

#[test]
fn headers_of_proxies() {
    let examples = [
        "198.51.100.9, 10.0.0.2",
        "for=\"[2001:db8::1]:4711\";proto=https;host=a.example, for=unknown\nfor=_x",
        "\"a, \\\"b",
    ];
    throw(8, 20_000, &examples.map(|text| text.as_bytes().to_vec()), bodies::edge::forwarded);
}

#[test]
fn names_of_files() {
    let examples = [
        "form-data; name=\"file\"; filename=\"a/../b.png\"",
        "form-data; filename*=UTF-8''caf%C3%A9.pdf; filename=x",
        "form-data; filename=\"..\\con.txt \"",
    ];
    throw(9, 20_000, &examples.map(|text| text.as_bytes().to_vec()), bodies::names::of_files);
}
