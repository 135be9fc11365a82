//! The question whether a file is harmful, asked when it is whole and before anybody hears of it. In: a file in its store.
//! Out: leave to go on; or a refusal, the file in quarantine or about to be removed.

use futures_util::{StreamExt, TryStreamExt};

use crate::event::{Attachment, Timestamp};
use crate::fault::{Fault, Reason};
use crate::media::lifecycle::QUARANTINE;
use crate::scan::{OnFailure, Subject, Verdict};
use crate::store::{Intended, Store, StoreError};

use super::super::route::{Route, Scan};

/// Lets a file pass, or says why not.
pub(super) async fn pass(route: &Route, store: &dyn Store, key: &str, file: &Attachment) -> Result<(), Fault> {
    let Some(scan) = &route.scan else { return Ok(()) };
    let subject = Subject {
        name: file.stored_name.as_deref().unwrap_or_default(),
        mime: file.mime.as_deref().unwrap_or("application/octet-stream"),
        size: file.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
    };
    let chunks = store.read(key, None).await?.chunks.map_err(std::io::Error::other).boxed();
    let scanner = scan.scanner.name();
    match scan.scanner.judge(&subject, chunks).await {
        Ok(Verdict::Clean) => Ok(()),
        Ok(Verdict::Infected(found)) => {
            tracing::warn!(route = %route.name, scanner, found, key, "an upload is infected");
            set_aside(scan, store, key, &subject).await;
            Err(Fault::new(Reason::UnsupportedType).detail("the scanner found something"))
        }
        Err(why) if scan.scanner.settings().on_failure == OnFailure::Accept => {
            tracing::warn!(route = %route.name, scanner, %why, key, "an upload is taken without a verdict");
            Ok(())
        }
        Err(why) => Err(Fault::new(Reason::Unavailable).detail(format!("scanner {scanner}: {why}"))),
    }
}

/// Moves an infected file to where nobody is served from; the upload itself is removed by who asked.
async fn set_aside(scan: &Scan, store: &dyn Store, key: &str, subject: &Subject<'_>) {
    let Some(quarantine) = &scan.quarantine else { return };
    if let Err(error) = copy(store, key, &**quarantine, subject).await {
        tracing::warn!(%error, key, "an infected upload is removed and not in quarantine");
    }
}

async fn copy(from: &dyn Store, key: &str, to: &dyn Store, subject: &Subject<'_>) -> Result<(), StoreError> {
    let day = Timestamp::now().civil().map(|now| format!("{:04}-{:02}-{:02}", now.year, now.month, now.day));
    let kept = format!("{QUARANTINE}{}/{}/{}", day.unwrap_or_default(), uuid::Uuid::new_v4().simple(), subject.name);
    // Whoever opens the store past the gateway is not shown what it is.
    let intended = Intended { key: Some(kept.clone()), content_type: Some("application/octet-stream".to_owned()) };
    let mut chunks = from.read(key, None).await?.chunks;
    let mut writing = to.create(&intended).await?;
    while let Some(chunk) = chunks.try_next().await? {
        writing.write(chunk).await?;
    }
    writing.finish(&kept).await
}
