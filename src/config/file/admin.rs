//! `admin_tls`, `admin_token`, `admin_api` and `admin_metrics` of `[server]`: who may ask what on the admin listener. What
//! reloads, backs up and removes is for nobody who merely reaches the address.

use std::net::SocketAddr;

use super::super::node::Place;
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::tls;
use crate::admin::{Access, Certificates, SHORTEST_TOKEN};
use crate::tls::{ClientCertificates, TlsSettings};

/// What of `[server]` is about the admin listener.
pub(super) struct Written {
    pub access: Access,
    pub tls: Option<TlsSettings>,
}

/// What `admin_metrics` may be, and whether that is open.
pub(super) const METRICS: &[(&str, bool)] = &[("open", true), ("token", false)];

/// `admin`: the address, where it can be read.
pub(super) fn read(section: &Section<'_>, admin: Option<&Spanned<Option<SocketAddr>>>) -> Option<Written> {
    let token = section.secret("admin_token", "admin_token_file");
    let api = section.boolean("admin_api").unwrap_or(true);
    let metrics = section.word("admin_metrics", METRICS);
    let (tls, certificates) = match section.section("admin_tls") {
        Some(section) => {
            let certificates = certificates(&section);
            (Some(tls::read(section, ClientCertificates::Welcome)?), certificates)
        }
        // One that was written and cannot be read is no reason to speak in the clear.
        None if section.has("admin_tls") => return None,
        None => (None, Certificates::Nobodys),
    };
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
    let mut access = Access { token: token.map(|token| token.value), certificates, api, open_metrics: false };
    if let Some(metrics) = &metrics
        && !metrics.value
        && !access.asks()
    {
        let help = Some("write `admin_token_file = \"…\"` too, or `client_ca` in [server.admin_tls]".to_owned());
        section.report().error(Code::Missing, &metrics.place, "there is no `admin_token` to ask for", help);
    }
    access.open_metrics = metrics.map_or(!access.asks(), |metrics| metrics.value);
    if let Some(Spanned { value: Some(address), place }) = admin
        && !address.ip().is_loopback()
    {
        judge(section, &access, tls.is_some(), place);
    }
    Some(Written { access, tls })
}

/// Of `[server.admin_tls]`: whose certificates count.
fn certificates(section: &Section<'_>) -> Certificates {
    let names = section.texts("client_names");
    if !section.has("client_names") {
        return if section.has("client_ca") { Certificates::Everybodys } else { Certificates::Nobodys };
    }
    if !section.has("client_ca") {
        let help =
            Some("name the authorities that signed their certificates: `client_ca = \"clients.crt\"`".to_owned());
        let message = "`client_names` without a `client_ca`: clients are not asked for certificates";
        section.report().error(Code::Missing, &section.key_place("client_names"), message, help);
    }
    if names.is_empty() {
        let help = Some("leave it out to let in whoever `client_ca` signed".to_owned());
        section.report().error(Code::Value, &section.key_place("client_names"), "nobody is named here", help);
    }
    Certificates::Of(names.into_iter().map(|name| name.value).collect())
}

/// On an address that others reach.
fn judge(section: &Section<'_>, access: &Access, is_secure: bool, place: &Place) {
    if access.api && !access.asks() {
        let message = "whoever reaches this address could reload the config, back the journal up and remove uploads";
        let help = "write `admin_token_file = \"…\"` (`openssl rand -base64 48` makes a token), `client_ca` in \
                    [server.admin_tls], `admin_api = false` to serve probes and metrics only, or \
                    `admin = \"127.0.0.1:9090\"`";
        section.report().error(Code::PublicAdmin, place, message, Some(help.to_owned()));
    } else if access.open_metrics {
        let message = "metrics are served to whoever reaches this address";
        let help = "see to it that only operators reach it and allow `public_admin` in [check], or write `admin_token_file` \
                    and `admin_metrics = \"token\"`";
        section.report().warning(Code::PublicAdmin, place, message, Some(help.to_owned()));
    }
    if access.token.is_some() && !is_secure {
        let message = "the `admin_token` is sent to this address in the clear";
        let help = "write `cert` and `key` in [server.admin_tls]; in a network where nobody else listens, allow `clear_text` in \
                    [check]";
        section.report().warning(Code::ClearText, place, message, Some(help.to_owned()));
    }
}
