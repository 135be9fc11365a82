//! `events` of a route: where an app that hears by being called is told. In: the table. Out: the webhook's settings.

use http::Uri;

use super::super::section::{Section, Spanned};
use crate::delivery::WebhookSettings;

pub(super) fn read(section: Section<'_>) -> Option<Spanned<WebhookSettings>> {
    let place = section.place().clone();
    if !section.has("url") {
        section.missing("url", "where the app is called, as in `url = \"http://127.0.0.1:9000/events\"`");
    }
    let url = section.parsed("url", address);
    if !section.has("key") && !section.has("key_file") {
        section.missing("key", "what the app knows the gateway by: `key = \"${EVENTS_KEY}\"` or `key_file = \"…\"`");
    }
    let key = section.secret("key", "key_file");
    section.finish();
    Some(Spanned { value: WebhookSettings { url: url?.value, key: key?.value }, place })
}

fn address(text: &str) -> Result<Uri, String> {
    const FORM: &str = "wanted a URL with `https://` or `http://`, a host and a path";
    let uri: Uri = text.parse().map_err(|_| FORM.to_owned())?;
    match (uri.scheme_str(), uri.authority()) {
        (_, Some(authority)) if authority.as_str().contains('@') => {
            Err("a URL here has no user or password in it".to_owned())
        }
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err(FORM.to_owned()),
    }
}
