//! A store of kind `s3`: which bucket, with which credentials, and how its objects are kept and served.

use std::time::Duration;

use super::super::node::Place;
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::stores::origin;
use crate::secret::Secret;
use crate::store::s3::{Addressing, Encryption, S3Settings, Urls};

/// What most servers that are not AWS call themselves.
const REGION: &str = "us-east-1";
/// Bytes of a part where nothing is said: the least that the protocol allows, as each takes memory on its way.
const PART: u64 = 5 << 20;
/// How long a URL of the store is good: time to begin, and to go on after a pause.
const PRESIGNED: Duration = Duration::from_secs(15 * 60);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EncryptionWord {
    Bucket,
    Aes256,
    Kms,
}

pub(super) const ENCRYPTIONS: &[(&str, EncryptionWord)] =
    &[("AES256", EncryptionWord::Aes256), ("aws:kms", EncryptionWord::Kms)];

/// What `urls` may be, and whether that is of the bucket.
pub(super) const URLS: &[(&str, bool)] = &[("gateway", false), ("presigned", true)];

pub(super) fn read(section: &Section<'_>) -> Option<S3Settings> {
    let endpoint = section.parsed("endpoint", origin);
    let bucket = bucket(section);
    let region = region(section, endpoint.is_some() || section.has("endpoint"));
    let prefix = section.parsed("prefix", prefix).map(|prefix| prefix.value).unwrap_or_default();
    let addressing = addressing(section, endpoint.as_ref(), bucket.as_ref());
    let access_key_id = credential(section, "access_key_id", "access_key_id_file");
    let secret_access_key = credential(section, "secret_access_key", "secret_access_key_file");
    let session_token = section.secret("session_token", "session_token_file").map(|token| token.value);
    let encryption = encryption(section);
    let storage_class = section.parsed("storage_class", word).map(|class| class.value);
    let part_size = section.size("part_size").unwrap_or(PART);
    let seconds = |key, otherwise| section.duration(key).unwrap_or(Duration::from_secs(otherwise));
    let (connect_timeout, timeout) = (seconds("connect_timeout", 5), seconds("timeout", 30));
    let retries = section.integer("retries").unwrap_or(3);
    let unfinished_after = section.duration("abort_unfinished_after").unwrap_or(DAY);
    let spool = section.text("spool").map(|folder| folder.value.into());
    let urls = urls(section);
    Some(S3Settings {
        endpoint: endpoint.map(|endpoint| endpoint.value),
        bucket: bucket?.value,
        region: region?,
        prefix,
        addressing,
        access_key_id: access_key_id?,
        secret_access_key: secret_access_key?,
        session_token,
        encryption: encryption?,
        storage_class,
        part_size: usize::try_from(part_size).ok()?,
        connect_timeout,
        timeout,
        retries: usize::try_from(retries).ok()?,
        unfinished_after,
        spool,
        urls: urls?,
    })
}

fn bucket(section: &Section<'_>) -> Option<Spanned<String>> {
    let bucket = section.needed_text("bucket", "the bucket's name, as in `bucket = \"chat\"`")?;
    let is_name = (3..=63).contains(&bucket.value.len())
        && bucket.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && !bucket.value.starts_with(['.', '-', '_']);
    if !is_name {
        let help = Some("3 to 63 letters, digits, dots and hyphens; no slash: folders go into `prefix`".to_owned());
        section.report().error(Code::Value, &bucket.place, "this is no name of a bucket", help);
        return None;
    }
    Some(bucket)
}

fn region(section: &Section<'_>, has_endpoint: bool) -> Option<String> {
    if !section.has("region") && !has_endpoint {
        section.missing("region", "the bucket's region at AWS, as in `region = \"eu-west-1\"`; or an `endpoint`");
        return None;
    }
    match section.has("region") {
        true => section.parsed("region", word).map(|region| region.value),
        false => Some(REGION.to_owned()),
    }
}

fn addressing(
    section: &Section<'_>,
    endpoint: Option<&Spanned<String>>,
    bucket: Option<&Spanned<String>>,
) -> Addressing {
    let has_dots = bucket.is_some_and(|bucket| bucket.value.contains('.'));
    let path_style = section.boolean("path_style");
    if path_style == Some(false) {
        let place = section.key_place("path_style");
        let conflict = |message: &str| {
            let help = Some("write `path_style = true`".to_owned());
            section.report().error(Code::Conflict, &place, message.to_owned(), help);
        };
        if endpoint.is_some_and(|endpoint| has_address(&endpoint.value)) {
            conflict("a bucket cannot stand before an address, only before a host name");
        } else if has_dots && endpoint.is_none_or(|endpoint| endpoint.value.starts_with("https://")) {
            conflict("no certificate is good for a bucket with dots before a host name");
        }
    }
    match path_style {
        Some(false) => Addressing::VirtualHost,
        Some(true) => Addressing::Path,
        None if endpoint.is_none() && !has_dots => Addressing::VirtualHost,
        None => Addressing::Path,
    }
}

/// Whether a URL has an IP address and no name.
fn has_address(url: &str) -> bool {
    let uri: Option<http::Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

fn credential(section: &Section<'_>, key: &'static str, file_key: &'static str) -> Option<Secret> {
    if !section.has(key) && !section.has(file_key) {
        section.missing(key, &format!("write `{key} = \"${{…}}\"` or `{file_key} = \"…\"`"));
    }
    let secret = section.secret(key, file_key)?;
    if secret.value.expose().chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        let help = Some("it goes into a header: one word, without blanks and line ends".to_owned());
        section.report().error(Code::Value, &secret.place, format!("`{key}` is not one word"), help);
        return None;
    }
    Some(secret.value)
}

fn encryption(section: &Section<'_>) -> Option<Encryption> {
    let key = section.parsed("kms_key", word);
    let kind = match section.has("encryption") {
        true => section.word("encryption", ENCRYPTIONS)?.value,
        false => EncryptionWord::Bucket,
    };
    if let Some(key) = key.as_ref().filter(|_| kind != EncryptionWord::Kms) {
        conflict(section, "kms_key", &key.place, "write `encryption = \"aws:kms\"` beside it");
    }
    Some(match kind {
        EncryptionWord::Bucket => Encryption::Bucket,
        EncryptionWord::Aes256 => Encryption::Aes256,
        EncryptionWord::Kms => Encryption::Kms { key: key.map(|key| key.value) },
    })
}

fn urls(section: &Section<'_>) -> Option<Urls> {
    let lifetime = section.duration("presigned_for");
    let endpoint = section.parsed("presigned_endpoint", origin);
    let presigned = match section.has("urls") {
        true => section.word("urls", URLS)?.value,
        false => false,
    };
    if presigned {
        let lifetime = lifetime.unwrap_or(PRESIGNED);
        return Some(Urls::Presigned { lifetime, endpoint: endpoint.map(|endpoint| endpoint.value) });
    }
    for key in ["presigned_for", "presigned_endpoint"] {
        if section.has(key) {
            conflict(section, key, &section.key_place(key), "write `urls = \"presigned\"` beside it");
        }
    }
    Some(Urls::Gateway)
}

fn conflict(section: &Section<'_>, key: &str, place: &Place, help: &str) {
    section.report().error(Code::Conflict, place, format!("`{key}` has no meaning here"), Some(help.to_owned()));
}

/// What stands before every key, without slashes at its ends.
fn prefix(text: &str) -> Result<String, String> {
    let prefix = text.trim_matches('/');
    let is_plain =
        |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\']) && !name.contains(char::is_control);
    match prefix.is_empty() || (prefix.len() <= 512 && prefix.split('/').all(is_plain)) {
        true => Ok(prefix.to_owned()),
        false => Err("wanted names with single slashes between, as in `chat/uploads`".to_owned()),
    }
}

/// One word, as headers and signatures take it.
fn word(text: &str) -> Result<String, String> {
    match !text.is_empty() && text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err("wanted one word of ASCII letters".to_owned()),
    }
}
