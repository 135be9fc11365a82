//! `admin_token`, `admin_api` and `admin_metrics` of `[server]`: who may ask what on the admin listener. What reloads, backs
//! up and removes is for nobody who merely reaches the address.

use std::net::SocketAddr;

use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use crate::admin::{Access, SHORTEST_TOKEN};

/// `admin`: the address, where it can be read.
pub(super) fn access(section: &Section<'_>, admin: Option<&Spanned<Option<SocketAddr>>>) -> Option<Access> {
    let token = section.secret("admin_token", "admin_token_file");
    let api = section.boolean("admin_api").unwrap_or(true);
    let metrics = section.word("admin_metrics", &[("open", true), ("token", false)]);
    if let Some(token) = &token
        && token.value.expose().len() < SHORTEST_TOKEN
    {
        let message = format!("`admin_token` has fewer than {SHORTEST_TOKEN} letters");
        let help = Some("make one with `openssl rand -base64 48`".to_owned());
        section.report().error(Code::ShortSecret, &token.place, message, help);
        return None;
    }
    // One that was written and cannot be read is no reason to ask for nothing.
    if token.is_none() && (section.has("admin_token") || section.has("admin_token_file")) {
        return None;
    }
    if let Some(metrics) = &metrics
        && !metrics.value
        && token.is_none()
    {
        let help = Some("write `admin_token_file = \"…\"` too".to_owned());
        section.report().error(Code::Missing, &metrics.place, "there is no `admin_token` to ask for", help);
    }
    let open_metrics = metrics.map_or(token.is_none(), |metrics| metrics.value);
    let access = Access { token: token.map(|token| token.value), api, open_metrics };
    if let Some(Spanned { value: Some(address), place }) = admin
        && !address.ip().is_loopback()
    {
        judge(section, &access, place);
    }
    Some(access)
}

/// On an address that others reach.
fn judge(section: &Section<'_>, access: &Access, place: &super::super::node::Place) {
    if access.api && access.token.is_none() {
        let message = "whoever reaches this address could reload the config, back the journal up and remove uploads";
        let help = "write `admin_token_file = \"…\"` (`openssl rand -base64 48` makes a token), `admin_api = false` to serve \
                    probes and metrics only, or `admin = \"127.0.0.1:9090\"`";
        section.report().error(Code::PublicAdmin, place, message, Some(help.to_owned()));
    } else if access.open_metrics {
        let message = "metrics are served to whoever reaches this address";
        let help = "see to it that only operators reach it and allow `public_admin` in [check], or write `admin_token_file` \
                    and `admin_metrics = \"token\"`";
        section.report().warning(Code::PublicAdmin, place, message, Some(help.to_owned()));
    }
}
