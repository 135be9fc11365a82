//! An image without what is not needed to show it; nothing is decoded. In: JPEG, PNG or WebP. Out: the same without Exif,
//! XMP, IPTC, comments, texts, previews, and what follows its end; of Exif the orientation stays.

use bytes::{Bytes, BytesMut};
use image::ImageFormat;
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::{CHUNK_EXIF, CHUNK_VP8X, WebP};

use super::container::{jpeg_needs, png_needs, webp_needs};
use super::{Unable, broken, orientation};

/// Of the first byte of VP8X: whether Exif and XMP are there.
const HAS_EXIF: u8 = 0b1000;
const HAS_XMP: u8 = 0b0100;

pub fn strip(format: ImageFormat, image: Bytes) -> Result<Bytes, Unable> {
    match format {
        ImageFormat::Jpeg => jpeg(image),
        ImageFormat::Png => png(image),
        ImageFormat::WebP => webp(image),
        _ => Err(Unable::Format),
    }
}

fn jpeg(image: Bytes) -> Result<Bytes, Unable> {
    let mut jpeg = Jpeg::from_bytes(image.clone()).map_err(|error| broken(&error))?;
    let is_exif =
        |segment: &&JpegSegment| segment.marker() == markers::APP1 && segment.contents().starts_with(orientation::MARK);
    let turned = jpeg.segments().iter().find(is_exif).and_then(|segment| orientation::alone(segment.contents()));
    let segments = jpeg.segments_mut();
    // The parser reads up to the first scan; what it calls its data is all the rest of the file.
    let first = segments.pop().filter(JpegSegment::has_entropy).ok_or(Unable::Broken("it has no scan".to_owned()))?;
    let rest = scans(&image[image.len() - (first.len_with_entropy() - first.len())..])?;
    segments.retain(|segment| jpeg_needs(segment.marker(), segment.contents()));
    for segment in segments.iter_mut().filter(|segment| segment.marker() == markers::APP0) {
        *segment = without_preview(segment);
    }
    if let Some(exif) = turned {
        let after = segments.iter().take_while(|segment| segment.marker() == markers::APP0).count();
        let contents = [orientation::MARK, &exif].concat().into();
        segments.insert(after, JpegSegment::new_with_contents(markers::APP1, contents));
    }
    segments.push(JpegSegment::new_with_entropy(first.marker(), first.contents().clone(), rest));
    Ok(jpeg.encoder().bytes())
}

/// JFIF's head, which may have a small picture of its own behind its 14 bytes.
fn without_preview(segment: &JpegSegment) -> JpegSegment {
    let mut contents = segment.contents().to_vec();
    contents.truncate(14);
    contents.iter_mut().skip(12).for_each(|byte| *byte = 0);
    JpegSegment::new_with_contents(segment.marker(), contents.into())
}

/// The data of the first scan and all later ones, up to the end of the image. Comments and metadata may stand in between.
fn scans(data: &[u8]) -> Result<Bytes, Unable> {
    let cut = || Unable::Broken("it ends before its end".to_owned());
    let mut kept = BytesMut::with_capacity(data.len());
    let mut rest = data;
    loop {
        let at = rest.iter().position(|byte| *byte == markers::P).ok_or_else(cut)?;
        let marker = *rest.get(at + 1).ok_or_else(cut)?;
        kept.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = match marker {
            // A byte 0xff of the data, or a restart of the decoder.
            markers::Z | markers::RST0..=markers::RST7 => 2,
            markers::EOI => {
                kept.extend_from_slice(&rest[..2]);
                return Ok(kept.freeze());
            }
            // Bytes that fill.
            markers::P => {
                rest = &rest[1..];
                continue;
            }
            0x01..=0xbf | markers::SOI => return Err(Unable::Broken(format!("a marker {marker:#x} in a scan"))),
            _ => 2 + usize::from(u16::from_be_bytes([*rest.get(2).ok_or_else(cut)?, *rest.get(3).ok_or_else(cut)?])),
        };
        let piece = rest.get(..length).ok_or_else(cut)?;
        if length == 2 || jpeg_needs(marker, piece.get(4..).unwrap_or_default()) {
            kept.extend_from_slice(piece);
        }
        rest = &rest[length..];
    }
}

fn png(image: Bytes) -> Result<Bytes, Unable> {
    let mut png = Png::from_bytes(image).map_err(|error| broken(&error))?;
    let turned = png.chunk_by_type(*b"eXIf").and_then(|chunk| orientation::alone(chunk.contents()));
    let chunks = png.chunks_mut();
    if chunks.last().is_none_or(|last| last.kind() != *b"IEND") {
        return Err(Unable::Broken("it has no end".to_owned()));
    }
    chunks.retain(|chunk| png_needs(chunk.kind()));
    if let Some(exif) = turned {
        let at = chunks.iter().position(|chunk| chunk.kind() == *b"IDAT").unwrap_or(0);
        chunks.insert(at, PngChunk::new(*b"eXIf", Bytes::copy_from_slice(&exif)));
    }
    Ok(png.encoder().bytes())
}

fn webp(image: Bytes) -> Result<Bytes, Unable> {
    let mut webp = WebP::from_bytes(image).map_err(|error| broken(&error))?;
    let data = |chunk: &RiffChunk| chunk.content().data().cloned();
    let turned = webp.chunk_by_id(CHUNK_EXIF).and_then(data).and_then(|exif| orientation::alone(&exif));
    let chunks = webp.chunks_mut();
    chunks.retain(|chunk| webp_needs(chunk.id()));
    let head = chunks.iter_mut().find(|chunk| chunk.id() == CHUNK_VP8X);
    // Without a head of its own the format has no place for Exif, and nobody has read what stood there.
    if let Some(RiffContent::Data(flags)) = head.map(RiffChunk::content_mut) {
        let mut changed = flags.to_vec();
        if let Some(first) = changed.first_mut() {
            *first &= !(HAS_EXIF | HAS_XMP);
            *first |= if turned.is_some() { HAS_EXIF } else { 0 };
        }
        *flags = changed.into();
        if let Some(exif) = turned {
            chunks.push(RiffChunk::new(CHUNK_EXIF, RiffContent::Data(Bytes::copy_from_slice(&exif))));
        }
    }
    Ok(webp.encoder().bytes())
}
