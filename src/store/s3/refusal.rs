//! What a bucket answers when it does not do what it was asked. In: status, headers and body of an answer, or a
//! connection that failed. Out: a [`StoreError`].

use std::error::Error;

use http::StatusCode;
use serde::Deserialize;

use super::super::{Mistake, StoreError};

/// Letters of what a server says that are kept.
const LONGEST_MESSAGE: usize = 300;

/// Why a request did not succeed. It travels inside the errors of the client crate and is taken out by [`store_error`].
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Trouble {
    /// It never arrived, or no answer came.
    #[error("{0}")]
    Lost(String),
    #[error("{status} {code}: {message}")]
    Refused { status: StatusCode, code: String, message: String, region: Option<String> },
}

/// The body of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Refusal {
    code: String,
    message: String,
    region: Option<String>,
}

impl Trouble {
    /// Reads an answer that is no success. `region`: what a header says of the bucket's.
    pub fn of(status: StatusCode, region: Option<String>, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        // What is not XML is said by something before the store, a proxy perhaps.
        let refusal: Refusal = quick_xml::de::from_str(&body).unwrap_or_default();
        let code = if refusal.code.is_empty() { String::new() } else { plain(&refusal.code) };
        Trouble::Refused { status, code, message: plain(&refusal.message), region: region.or(refusal.region) }
    }

    /// Whether the same request may succeed a moment later.
    pub fn retry_helps(&self) -> bool {
        match self {
            Trouble::Lost(_) => true,
            Trouble::Refused { status, code, .. } => {
                code == "RequestTimeout"
                    || code == "SlowDown"
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
                    || (status.is_server_error() && *status != StatusCode::INSUFFICIENT_STORAGE)
            }
        }
    }
}

/// One line without control characters.
fn plain(text: &str) -> String {
    let letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    letters.take(LONGEST_MESSAGE).collect::<String>().trim().to_owned()
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        let helps = trouble.retry_helps();
        let Trouble::Refused { status, code, message, region } = trouble else {
            return StoreError::Unavailable(trouble.to_string());
        };
        let said = match (code.as_str(), message.as_str()) {
            ("", _) => format!("status {}", status.as_u16()),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        let mistaken = |mistake, detail| StoreError::Misconfigured { mistake, detail };
        match code.as_str() {
            "NoSuchKey" => StoreError::NotFound,
            "NoSuchBucket" => mistaken(Mistake::NoBucket, said),
            "InvalidAccessKeyId" | "InvalidClientTokenId" | "NotSignedUp" => mistaken(Mistake::AccessKey, said),
            "SignatureDoesNotMatch" => mistaken(Mistake::Secret, said),
            "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => mistaken(Mistake::SessionToken, said),
            "RequestTimeTooSkewed" => mistaken(Mistake::Clock, said),
            "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" | "IncorrectEndpoint" => {
                let hint = region.map(|region| format!("; it says that it is in `{}`", plain(&region)));
                mistaken(Mistake::Region, format!("{said}{}", hint.unwrap_or_default()))
            }
            "InvalidStorageClass" => mistaken(Mistake::StorageClass, said),
            "QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" => {
                StoreError::Full
            }
            "NoSuchUpload" => StoreError::Unavailable(said),
            code if code.starts_with("KMS.") || code.contains("Encryption") => mistaken(Mistake::Encryption, said),
            _ => match status {
                StatusCode::INSUFFICIENT_STORAGE => StoreError::Full,
                _ if helps => StoreError::Unavailable(said),
                StatusCode::NOT_FOUND if code.is_empty() => StoreError::NotFound,
                StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED | StatusCode::METHOD_NOT_ALLOWED => {
                    mistaken(Mistake::NotPermitted, said)
                }
                _ if status.is_redirection() => {
                    let hint = region.map(|region| format!("; it says that it is in `{}`", plain(&region)));
                    mistaken(Mistake::Region, format!("{said}{}", hint.unwrap_or_default()))
                }
                _ if code.is_empty() => mistaken(Mistake::Endpoint, said),
                _ => mistaken(Mistake::Refused, said),
            },
        }
    }
}

/// What happened, below the words of the client crate.
fn trouble(error: &object_store::Error) -> Option<&Trouble> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(here) = cause {
        if let Some(trouble) = here.downcast_ref() {
            return Some(trouble);
        }
        cause = here.source();
    }
    None
}

/// What an error of the client crate says of the store.
pub(super) fn store_error(error: object_store::Error) -> StoreError {
    match trouble(&error) {
        Some(trouble) => trouble.clone().into(),
        // The client crate did not understand the answer, though it was a success.
        None => StoreError::Misconfigured { mistake: Mistake::Endpoint, detail: plain(&error.to_string()) },
    }
}

/// Whether the store says that there is no such unfinished upload.
pub(super) fn is_no_upload(error: &object_store::Error) -> bool {
    match trouble(error) {
        Some(Trouble::Refused { code, status, .. }) => code == "NoSuchUpload" || *status == StatusCode::NOT_FOUND,
        _ => false,
    }
}

/// Whether the store says that a range begins past the end.
pub(super) fn is_past_the_end(error: &object_store::Error) -> bool {
    matches!(trouble(error), Some(Trouble::Refused { status: StatusCode::RANGE_NOT_SATISFIABLE, .. }))
}

/// The same after a write, of which nothing can be missing but the place where it goes.
pub(super) fn write_error(error: object_store::Error) -> StoreError {
    match store_error(error) {
        StoreError::NotFound => StoreError::Misconfigured {
            mistake: Mistake::Endpoint,
            detail: "status 404 for an object that was to be written".to_owned(),
        },
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> StoreError {
        Trouble::of(StatusCode::from_u16(status).expect("a status"), None, body.as_bytes()).into()
    }

    fn refusal(status: u16, code: &str) -> StoreError {
        error(status, &format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>why</Message></Error>"))
    }

    fn mistake(error: StoreError) -> Option<Mistake> {
        match error {
            StoreError::Misconfigured { mistake, .. } => Some(mistake),
            _ => None,
        }
    }

    #[test]
    fn codes_say_whose_mistake_it_is() {
        for (status, code, expected) in [
            (404, "NoSuchBucket", Mistake::NoBucket),
            (403, "InvalidAccessKeyId", Mistake::AccessKey),
            (403, "SignatureDoesNotMatch", Mistake::Secret),
            (400, "ExpiredToken", Mistake::SessionToken),
            (403, "RequestTimeTooSkewed", Mistake::Clock),
            (301, "PermanentRedirect", Mistake::Region),
            (400, "AuthorizationHeaderMalformed", Mistake::Region),
            (403, "AccessDenied", Mistake::NotPermitted),
            (405, "MethodNotAllowed", Mistake::NotPermitted),
            (400, "InvalidStorageClass", Mistake::StorageClass),
            (400, "KMS.NotFoundException", Mistake::Encryption),
            (400, "InvalidArgument", Mistake::Refused),
        ] {
            assert_eq!(mistake(refusal(status, code)), Some(expected), "{code}");
        }
        assert_eq!(refusal(404, "NoSuchKey"), StoreError::NotFound);
        assert_eq!(refusal(507, "InsufficientStorage"), StoreError::Full);
    }

    #[test]
    fn what_may_pass_is_told_from_what_may_not() {
        for (status, code) in
            [(503, "SlowDown"), (500, "InternalError"), (429, "TooManyRequests"), (400, "RequestTimeout")]
        {
            assert!(refusal(status, code).retry_helps(), "{code}");
        }
        for (status, code) in [(403, "AccessDenied"), (507, ""), (404, "NoSuchKey"), (400, "InvalidArgument")] {
            assert!(!refusal(status, code).retry_helps(), "{code}");
        }
    }

    #[test]
    fn what_is_no_store_is_told() {
        assert_eq!(mistake(error(400, "<html>nginx</html>")), Some(Mistake::Endpoint));
        assert_eq!(mistake(error(308, "")), Some(Mistake::Region));
        assert!(error(502, "Bad gateway").retry_helps());
    }

    #[test]
    fn the_region_of_the_bucket_is_told() {
        let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong\nregion</Message>\
                    <Region>eu-west-1</Region></Error>";
        let said = error(400, body).to_string();
        assert!(said.contains("`eu-west-1`") && said.contains("wrong region"), "{said}");
    }
}
