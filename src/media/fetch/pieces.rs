//! A body, piece by piece, within bounds of size and time. In: what arrives. Out: a stream of pieces that ends well only
//! if the file is whole.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::time::{Instant, timeout};

use super::exchange::Arriving;

/// The slowest that a host may be in the long run, in bytes a second.
const SLOWEST: u32 = 4 * 1024;

/// A file that is being read.
pub(super) struct Pieces {
    pub arriving: Arriving,
    /// In bytes.
    pub largest: u64,
    /// For one piece. Also what all waiting together may take beyond the time that [`SLOWEST`] allows: a host that sends
    /// a byte now and then would hold a connection for ever.
    pub idle: Duration,
}

/// What was read up to now.
#[derive(Default)]
struct Progress {
    bytes: u64,
    /// Only the time in which the reader was ready and the host had sent nothing.
    waited: Duration,
}

impl Pieces {
    pub fn stream(self) -> BoxStream<'static, Result<Bytes, io::Error>> {
        let start = (self, Progress::default());
        stream::try_unfold(start, |(mut pieces, mut progress)| async move {
            let next = pieces.next(&mut progress).await?;
            Ok(next.map(|piece| (piece, (pieces, progress))))
        })
        .boxed()
    }

    async fn next(&mut self, progress: &mut Progress) -> io::Result<Option<Bytes>> {
        loop {
            let started = Instant::now();
            let frame = timeout(self.patience(progress), self.arriving.frame())
                .await
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the host sends too slowly"))?;
            progress.waited += started.elapsed();
            let Some(frame) = frame else { return Ok(None) };
            // hyper knows from the head where the end is, and makes an error of an earlier one.
            let frame = frame.map_err(|error| io::Error::new(io::ErrorKind::UnexpectedEof, error))?;
            // What is no data is a trailer and of no use here.
            let Some(piece) = frame.into_data().ok().filter(|piece| !piece.is_empty()) else { continue };
            progress.bytes += piece.len() as u64;
            if progress.bytes > self.largest {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than allowed"));
            }
            return Ok(Some(piece));
        }
    }

    /// How long the next piece may take.
    fn patience(&self, progress: &Progress) -> Duration {
        let earned = Duration::from_millis(progress.bytes.saturating_mul(1000) / u64::from(SLOWEST));
        self.idle.min((self.idle + earned).saturating_sub(progress.waited))
    }
}
