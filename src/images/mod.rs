//! Taking out of images what their sender did not mean to send: where they were taken, by whom, with what. In: a whole
//! image, of bounded size. Out: the same to look at without that; or why it cannot be made.
//!
//! `strip` leaves the pixels as they are, `encode` makes them anew; `container` knows the formats' parts.

mod container;
mod encode;
mod orientation;
mod strip;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use image::{ImageFormat, ImageReader, Limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long an image waits for its place.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that a decoder may take for each pixel: four colours of 16 bits.
const PIXEL: u64 = 8;
/// Bytes that it may take beside the pixels: profiles of colours, texts that are compressed.
const BESIDE: u64 = 16 << 20;

/// What is done to images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSettings {
    pub how: How,
    /// Bytes of an image; 64 KiB to 256 MiB.
    pub up_to: u64,
    /// Pixels of an image; 1 to 400 million.
    pub pixels: u64,
    /// Images in memory at a time; 1 to 64. Others wait.
    pub at_once: usize,
    /// 1 to 100, for JPEG.
    pub quality: u8,
    pub otherwise: Otherwise,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// What is not needed to show it is left out; its pixels stay bit for bit.
    Strip,
    /// It is decoded and written anew.
    Reencode,
}

/// What becomes of an image to which this cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Otherwise {
    #[default]
    Refuse,
    Keep,
}

/// Why it cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unable {
    #[error("not JPEG, PNG or WebP")]
    Format,
    #[error("a moving picture cannot be written anew")]
    Moves,
    #[error("{0} pixels are more than there may be")]
    Pixels(u64),
    #[error("written anew it has {0} bytes, more than a file may have")]
    Grown(u64),
    #[error("not a whole image: {0}")]
    Broken(String),
    /// The gateway's doing; a retry helps.
    #[error("no place for {} s", PATIENCE.as_secs())]
    Busy,
}

/// A place among the images that are in memory.
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// The images of a route.
pub struct Images {
    settings: ImageSettings,
    places: Arc<Semaphore>,
}

impl Images {
    pub fn new(settings: ImageSettings) -> Self {
        Images { settings, places: Arc::new(Semaphore::new(settings.at_once)) }
    }

    pub fn settings(&self) -> &ImageSettings {
        &self.settings
    }

    /// Waits until one more image may be in memory.
    pub async fn place(&self) -> Result<Place, Unable> {
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        // The places are never closed.
        place.ok().and_then(Result::ok).map(|permit| Place { _permit: permit }).ok_or(Unable::Busy)
    }

    /// Makes the image anew, on a thread for such work; a client that goes does not give its place back sooner.
    pub async fn treat(&self, place: Place, image: Bytes) -> (Option<Place>, Result<Bytes, Unable>) {
        let settings = self.settings;
        let working = tokio::task::spawn_blocking(move || (place, treated(&settings, image)));
        match working.await {
            Ok((place, made)) => (Some(place), made),
            // A decoder that panics has met what it was not made for.
            Err(error) => (None, Err(Unable::Broken(error.to_string()))),
        }
    }
}

fn treated(settings: &ImageSettings, image: Bytes) -> Result<Bytes, Unable> {
    let format = format(&image).ok_or(Unable::Format)?;
    within(format, &image, settings.pixels)?;
    match settings.how {
        How::Strip => strip::strip(format, image),
        How::Reencode if container::moves(format, &image)? => Err(Unable::Moves),
        How::Reencode => encode::encode(format, &image, settings),
    }
}

/// By its first bytes, whatever it is called.
fn format(image: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(image).ok()?;
    matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP).then_some(format)
}

/// Reads its head; nothing is allocated for pixels that are too many.
fn within(format: ImageFormat, image: &[u8], most: u64) -> Result<(), Unable> {
    let (width, height) = reader(format, image, most).into_dimensions().map_err(|error| broken(&error))?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > most { Err(Unable::Pixels(pixels)) } else { Ok(()) }
}

fn reader(format: ImageFormat, image: &[u8], pixels: u64) -> ImageReader<std::io::Cursor<&[u8]>> {
    let mut reader = ImageReader::with_format(std::io::Cursor::new(image), format);
    reader.limits(limits(pixels));
    reader
}

fn limits(pixels: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(pixels.saturating_mul(PIXEL).saturating_add(BESIDE));
    limits
}

fn broken(error: &dyn std::fmt::Display) -> Unable {
    Unable::Broken(error.to_string())
}

#[cfg(test)]
mod tests;
