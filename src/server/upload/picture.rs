//! The step between the last byte of an image and its store, on a route that has something done to images. In: a whole
//! file. Out: the file that is stored in its place, of which size and digest are told; or a refusal.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::fault::{Fault, Reason};
use crate::images::{Images, Otherwise, Place, Unable};
use crate::metrics;

use super::super::asked::Asked;
use super::intake::{Content, Taken, hexadecimal};

/// Bytes that are given to a store at a time.
const PIECE: usize = 64 * 1024;

/// The images of a route, if this type is one of them.
pub(super) fn of<'a>(asked: &Asked<'a>, mime: &str) -> Option<&'a Images> {
    asked.route.images.as_ref().filter(|_| mime.starts_with("image/"))
}

/// The file as it is to be stored, and the place in memory that it has until it is.
pub(super) async fn treated(asked: &Asked<'_>, mut taken: Taken) -> Result<(Taken, Option<Place>), Fault> {
    let mime = taken.file.mime.clone().unwrap_or_default();
    let Some(images) = of(asked, &mime) else { return Ok((taken, None)) };
    // What was too large to be looked at is on its way as it came.
    if matches!(taken.content, Content::Placed(_)) {
        return Ok((taken, None));
    }
    let place = images.place().await.map_err(|error| Fault::new(Reason::Unavailable).detail(error.to_string()))?;
    let original = match &mut taken.content {
        Content::Held(held) => Bytes::from(held.concat()),
        Content::Spooled(spool) => spool.whole().await?,
        Content::Placed(_) => Bytes::new(),
    };
    let (place, made) = images.treat(place, original).await;
    let limit = asked.route.upload_limit_of(Some(taken.kind));
    let fits = |made: Bytes| match made.len() as u64 > limit {
        true => Err(Unable::Grown(made.len() as u64)),
        false => Ok(made),
    };
    let route = &asked.route.name;
    match made.and_then(fits) {
        Ok(bytes) => {
            metrics::count_image(route, "made");
            taken.file.size = i64::try_from(bytes.len()).ok();
            taken.file.sha256 = Some(hexadecimal(&Sha256::digest(&bytes)));
            let pieces = (0..bytes.len()).step_by(PIECE).map(|at| bytes.slice(at..bytes.len().min(at + PIECE)));
            taken.content = Content::Held(pieces.collect());
            Ok((taken, place))
        }
        Err(why) if images.settings().otherwise == Otherwise::Keep => {
            tracing::info!(%route, %why, "an image is kept as it came");
            metrics::count_image(route, "kept");
            Ok((taken, None))
        }
        Err(why) => {
            metrics::count_image(route, "refused");
            Err(Fault::new(Reason::UnsupportedType).detail(why.to_string()))
        }
    }
}
