//! `[server.tls]` and `[server.admin_tls]`: what a listener shows. Whether the files can be used is tried here, so that a config that passes does
//! not fail for them later.

use std::time::Duration;

use super::super::problem::Code;
use super::super::section::Section;
use crate::tls::{ClientCertificates, Server, TlsFiles, TlsSettings};

/// How long one may take where nothing is written.
const DEFAULT_HANDSHAKE: Duration = Duration::from_secs(10);

/// `wanted` of clients, where there is a `client_ca`.
pub(super) fn read(section: Section<'_>, wanted: ClientCertificates) -> Option<TlsSettings> {
    let cert = section.needed_text("cert", "the certificate and those above it, PEM: `cert = \"tls.crt\"`");
    let key = section.needed_text("key", "its private key, PEM: `key = \"tls.key\"`");
    let client_ca = section.text("client_ca");
    let timeout = section.duration("handshake_timeout");
    let settings = TlsSettings {
        cert: section.path(&cert?.value),
        key: section.path(&key?.value),
        client_ca: client_ca.map(|path| section.path(&path.value)),
        client_certificates: wanted,
        handshake_timeout: timeout.unwrap_or(DEFAULT_HANDSHAKE),
    };
    let judged = TlsFiles::read(&settings).and_then(|files| Server::new(&files, &[]));
    if let Err(error) = judged {
        section.report().error(Code::File, &section.key_place(error.file.as_str()), error.to_string(), None);
        section.finish();
        return None;
    }
    section.finish();
    Some(settings)
}
