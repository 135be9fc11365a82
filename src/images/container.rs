//! The parts that image files are made of: which are needed to show one, and whether it moves. JPEG: ITU-T T.81 Annex B;
//! PNG: the W3C recommendation, 5.6 and 11; WebP: RFC 9649.

use bytes::Bytes;
use image::ImageFormat;
use img_parts::png::Png;
use img_parts::webp::{CHUNK_ANIM, WebP};

use super::{Unable, broken};

/// Chunks of PNG that change what is seen, beside the critical ones.
const SEEN: &[&[u8; 4]] = &[
    b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs",
    b"acTL", b"fcTL", b"fdAT",
];

/// Whether a PNG without this chunk would look different.
pub fn png_needs(kind: [u8; 4]) -> bool {
    kind[0].is_ascii_uppercase() || SEEN.contains(&&kind)
}

/// Whether a WebP without this chunk would look different.
pub fn webp_needs(id: [u8; 4]) -> bool {
    [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"].contains(&&id)
}

/// Whether a JPEG without this segment would look different: tables, frames and scans; JFIF's head, the profile of
/// colours, and Adobe's word on how they are stored.
pub fn jpeg_needs(marker: u8, contents: &[u8]) -> bool {
    match marker {
        0xc0..=0xcf | 0xda..=0xdf => true,
        0xe0 => contents.starts_with(b"JFIF\0"),
        0xe2 => contents.starts_with(b"ICC_PROFILE\0"),
        0xee => contents.starts_with(b"Adobe"),
        _ => false,
    }
}

/// Whether it has more than one frame.
pub fn moves(format: ImageFormat, image: &Bytes) -> Result<bool, Unable> {
    match format {
        ImageFormat::Png => {
            let png = Png::from_bytes(image.clone()).map_err(|error| broken(&error))?;
            Ok(png.chunk_by_type(*b"acTL").is_some())
        }
        ImageFormat::WebP => {
            let webp = WebP::from_bytes(image.clone()).map_err(|error| broken(&error))?;
            Ok(webp.has_chunk(CHUNK_ANIM))
        }
        _ => Ok(false),
    }
}
