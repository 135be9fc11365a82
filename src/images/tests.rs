//! What is left of images, and images that are made to cost more than they show.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, RgbImage};
use img_parts::jpeg::{Jpeg, JpegSegment};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::WebP;

use super::*;

/// What nobody is to find in an image that was treated.
const SECRET: &[u8] = b"51.5007N 0.1246W of Ann";

const FORMATS: [ImageFormat; 3] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];

fn settings(how: How) -> ImageSettings {
    let otherwise = Otherwise::Refuse;
    ImageSettings { how, up_to: 1 << 20, pixels: 1_000_000, at_once: 2, quality: 90, otherwise }
}

/// Exif of a picture that a camera took lying on its side, with a place.
fn exif() -> Vec<u8> {
    let mut exif =
        b"II\x2a\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x25\x88\x04\0\x01\0\0\0\x26\0\0\0".to_vec();
    exif.extend_from_slice(&[&[0; 4], SECRET].concat());
    exif
}

/// 32 × 16 pixels, dark on the left and light on the right.
fn pixels() -> DynamicImage {
    let shade = |x: u32, _: u32| image::Rgb(if x < 16 { [10, 10, 10] } else { [240, 240, 240] });
    DynamicImage::ImageRgb8(RgbImage::from_fn(32, 16, shade))
}

fn plain(format: ImageFormat) -> Bytes {
    let mut made = Vec::new();
    match format {
        ImageFormat::Jpeg => pixels().write_with_encoder(JpegEncoder::new_with_quality(&mut made, 95)),
        ImageFormat::Png => pixels().write_with_encoder(PngEncoder::new(&mut made)),
        _ => pixels().write_with_encoder(WebPEncoder::new_lossless(&mut made)),
    }
    .expect("written");
    made.into()
}

/// The same with a secret in every place that the format has for one.
fn telling(format: ImageFormat) -> Bytes {
    let secret = |before: &[u8]| Bytes::from([before, SECRET].concat());
    match format {
        ImageFormat::Jpeg => {
            let mut jpeg = Jpeg::from_bytes(plain(format)).expect("read");
            let segments = [
                (0xe1, secret(&[b"Exif\0\0", exif().as_slice()].concat())),
                (0xe1, secret(b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>")),
                (0xed, secret(b"Photoshop 3.0\08BIM\x04\x04")),
                (0xe2, secret(b"MPF\0")),
                (0xe5, secret(b"Ranging")),
                (0xfe, secret(b"")),
            ];
            for (marker, contents) in segments {
                jpeg.segments_mut().insert(1, JpegSegment::new_with_contents(marker, contents));
            }
            // Exif is looked for in the first segment that has it.
            let mut bytes = jpeg.encoder().bytes().to_vec();
            let comment = [&[0xff, 0xfe, 0, 2 + SECRET.len() as u8], SECRET].concat();
            let end = bytes.len() - 2;
            bytes.splice(end..end, comment);
            bytes.extend_from_slice(SECRET);
            bytes.into()
        }
        ImageFormat::Png => {
            let mut png = Png::from_bytes(plain(format)).expect("read");
            for (kind, contents) in [
                (*b"eXIf", exif().into()),
                (*b"tEXt", secret(b"Comment\0")),
                (*b"zTXt", secret(b"Comment\0\0")),
                (*b"iTXt", secret(b"XML:com.adobe.xmp\0\0\0\0\0")),
                (*b"tIME", Bytes::from_static(&[7, 0xe9, 1, 2, 3, 4, 5])),
                (*b"prVt", secret(b"")),
            ] {
                png.chunks_mut().insert(1, PngChunk::new(kind, contents));
            }
            [png.encoder().bytes(), secret(b"")].concat().into()
        }
        _ => {
            let mut webp = WebP::from_bytes(plain(format)).expect("read");
            let chunk = |id, data| RiffChunk::new(id, RiffContent::Data(data));
            // Exif, XMP; 32 × 16.
            let head = Bytes::from_static(&[0b1100, 0, 0, 0, 31, 0, 0, 15, 0, 0]);
            webp.chunks_mut().insert(0, chunk(*b"VP8X", head));
            for (id, data) in [(*b"EXIF", exif().into()), (*b"XMP ", secret(b"")), (*b"priv", secret(b""))] {
                webp.chunks_mut().push(chunk(id, data));
            }
            [webp.encoder().bytes(), secret(b"")].concat().into()
        }
    }
}

fn has_secret(image: &[u8]) -> bool {
    image.windows(SECRET.len()).any(|window| window == SECRET)
}

/// Which way up a viewer shows it, and its pixels then.
fn seen(format: ImageFormat, image: &[u8]) -> (Orientation, DynamicImage) {
    let mut decoder = reader(format, image, 1_000_000).into_decoder().expect("an image");
    let turned = decoder.orientation().expect("readable");
    let mut decoded = DynamicImage::from_decoder(decoder).expect("decoded");
    decoded.apply_orientation(turned);
    (turned, decoded)
}

fn is_alike(one: &DynamicImage, other: &DynamicImage) -> bool {
    let (one, other) = (one.to_rgb8(), other.to_rgb8());
    let close = |(one, other): (&image::Rgb<u8>, &image::Rgb<u8>)| one.0[0].abs_diff(other.0[0]) < 30;
    one.dimensions() == other.dimensions() && one.pixels().zip(other.pixels()).all(close)
}

#[test]
fn nothing_is_told_and_all_is_shown() {
    for format in FORMATS {
        let image = telling(format);
        assert!(has_secret(&image));
        let (turned, before) = seen(format, &image);
        assert_eq!(turned, Orientation::Rotate90, "{format:?}: a viewer turns what was sent");
        for how in [How::Strip, How::Reencode] {
            let made = treated(&settings(how), image.clone()).unwrap_or_else(|why| panic!("{format:?} {how:?}: {why}"));
            assert!(!has_secret(&made), "{format:?} {how:?}");
            let (left, after) = seen(format, &made);
            let expected = if how == How::Strip { Orientation::Rotate90 } else { Orientation::NoTransforms };
            assert_eq!(left, expected, "{format:?} {how:?}");
            assert!(is_alike(&before, &after), "{format:?} {how:?}: it turned");
            // What was taken out is gone for good: done again, nothing changes.
            if how == How::Strip {
                assert_eq!(treated(&settings(how), made.clone()), Ok(made), "{format:?}");
            }
        }
    }
}

#[test]
fn pixels_stay_bit_for_bit_where_only_metadata_goes() {
    for format in FORMATS {
        let image = plain(format);
        let made = treated(&settings(How::Strip), image.clone()).expect("stripped");
        assert_eq!(seen(format, &made), seen(format, &image), "{format:?}");
        assert!(made.len() <= image.len());
    }
}

/// All that can be cut off or changed in an image ends in an image or a refusal.
#[test]
fn broken_images_are_refused() {
    for format in FORMATS {
        let image = telling(format);
        for how in [How::Strip, How::Reencode] {
            for end in 0..plain(format).len() / 2 {
                let made = treated(&settings(how), image.slice(..end));
                assert!(made.is_err(), "{format:?} {how:?}: cut at {end}");
            }
            for at in 0..image.len() {
                let mut changed = image.to_vec();
                changed[at] ^= 0xff;
                // Whatever it says, it comes back.
                let _ = treated(&settings(how), changed.into());
            }
        }
    }
}

/// An image, and whether this is why it is refused.
type Case = (&'static str, Bytes, fn(&Unable) -> bool);

#[test]
fn what_costs_more_than_it_shows_is_refused() {
    let head = |width: u32, height: u32, rest: &[(&[u8; 4], Vec<u8>)]| {
        let mut png = Png::from_bytes(plain(ImageFormat::Png)).expect("read");
        let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
        png.chunks_mut()[0] = PngChunk::new(*b"IHDR", head.into());
        for (kind, contents) in rest {
            png.chunks_mut().insert(1, PngChunk::new(**kind, contents.clone().into()));
        }
        png.encoder().bytes()
    };
    let mut jpeg = plain(ImageFormat::Jpeg).to_vec();
    let frame = jpeg.windows(2).position(|window| window == [0xff, 0xc0]).expect("a frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    let cases: [Case; 8] = [
        ("a PNG of 65,000 pixels squared", head(65_000, 65_000, &[]), |why| matches!(why, Unable::Pixels(_))),
        ("a PNG of as many as can be said", head(u32::MAX >> 1, u32::MAX >> 1, &[]), |_| true),
        ("a JPEG of as many as can be said", jpeg.into(), |why| matches!(why, Unable::Pixels(4_294_836_225))),
        ("a little more than there may be", head(1_001, 1_000, &[]), |why| matches!(why, Unable::Pixels(1_001_000))),
        ("an SVG", Bytes::from_static(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), |why| *why == Unable::Format),
        ("a GIF", Bytes::from_static(b"GIF89a\x01\0\x01\0\0\0\0;"), |why| *why == Unable::Format),
        ("HEIC", Bytes::from_static(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), |why| *why == Unable::Format),
        ("nothing", Bytes::new(), |why| *why == Unable::Format),
    ];
    for (what, image, expected) in cases {
        for how in [How::Strip, How::Reencode] {
            let why = treated(&settings(how), image.clone()).expect_err(what);
            assert!(expected(&why), "{what}: {why:?}");
        }
    }
    // A moving picture keeps moving; written anew it would stand still.
    let moving = head(32, 16, &[(b"acTL", vec![0, 0, 0, 1, 0, 0, 0, 0])]);
    let stripped = treated(&settings(How::Strip), moving.clone()).expect("stripped");
    assert!(stripped.windows(4).any(|window| window == b"acTL"));
    assert_eq!(treated(&settings(How::Reencode), moving), Err(Unable::Moves));
}

#[tokio::test(start_paused = true)]
async fn places_are_bounded() {
    let images = Images::new(settings(How::Strip));
    let (first, second) = (images.place().await.expect("a place"), images.place().await.expect("a place"));
    assert_eq!(images.place().await.err(), Some(Unable::Busy));
    drop(first);
    let place = images.place().await.expect("a place again");
    let (kept, made) = images.treat(place, plain(ImageFormat::Png)).await;
    assert!(made.is_ok() && kept.is_some(), "{made:?}");
    assert_eq!(images.place().await.err(), Some(Unable::Busy), "it has its place until it is stored");
    drop((kept, second));
}
