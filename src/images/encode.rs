//! An image decoded and written anew in its format, the right way up: nothing is left of its file but pixels and the
//! profile of their colours. In: JPEG, PNG or WebP within bounds. Out: the same; WebP is written without loss, so it may grow.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat};

use super::{ImageSettings, Unable, broken, limits, reader};

pub fn encode(format: ImageFormat, image: &[u8], settings: &ImageSettings) -> Result<Bytes, Unable> {
    let mut decoder = reader(format, image, settings.pixels).into_decoder().map_err(|error| broken(&error))?;
    let turned = decoder.orientation().map_err(|error| broken(&error))?;
    let profile = decoder.icc_profile().map_err(|error| broken(&error))?;
    let mut limits = limits(settings.pixels);
    limits.reserve(decoder.total_bytes()).map_err(|error| broken(&error))?;
    decoder.set_limits(limits).map_err(|error| broken(&error))?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(|error| broken(&error))?;
    decoded.apply_orientation(turned);
    let mut made = Vec::new();
    match format {
        ImageFormat::Jpeg => written(JpegEncoder::new_with_quality(&mut made, settings.quality), &decoded, profile),
        ImageFormat::Png => written(PngEncoder::new(&mut made), &decoded, profile),
        ImageFormat::WebP => written(WebPEncoder::new_lossless(&mut made), &decoded, profile),
        _ => return Err(Unable::Format),
    }
    .map_err(|error| broken(&error))?;
    Ok(made.into())
}

fn written(mut encoder: impl ImageEncoder, image: &DynamicImage, profile: Option<Vec<u8>>) -> image::ImageResult<()> {
    if let Some(profile) = profile {
        // All three formats have a place for it.
        encoder.set_icc_profile(profile).map_err(ImageError::Unsupported)?;
    }
    image.write_with_encoder(encoder)
}
