//! Images whose senders would tell where they were taken, on routes that take this out: what is stored, served and told is
//! the image without it; what cannot be treated is refused, or kept where the config says so.

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage};
use sha2::{Digest, Sha256};

use super::harness::DIALECTS;
use super::harness::http;
use super::scene::{Upload, is_refusal};
use super::shelf::{ROWS, Row, Stage};
use super::tool::uploads;

const SECRET: &[u8] = b"51.5007N 0.1246W of Ann";

/// A JPEG that was taken lying on its side, with a place; noise makes it large.
fn taken(width: u32, height: u32) -> Vec<u8> {
    let noise = |x: u32, y: u32| image::Rgb([x, y, x ^ y].map(|part| (part.wrapping_mul(2_654_435_761) >> 24) as u8));
    let mut made = Vec::new();
    let pixels = DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, noise));
    pixels.write_with_encoder(JpegEncoder::new_with_quality(&mut made, 95)).unwrap();
    let exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let contents = [exif.as_slice(), SECRET].concat();
    let length = u16::try_from(contents.len() + 2).unwrap().to_be_bytes();
    [&made[..2], &[0xff, 0xe1], &length, &contents, &made[2..]].concat()
}

fn tells(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET)
}

/// Width and height as a viewer shows it.
fn shown(bytes: &[u8]) -> (u32, u32) {
    let mut decoder =
        ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().unwrap().into_decoder().unwrap();
    let turned = decoder.orientation().unwrap();
    let mut decoded = DynamicImage::from_decoder(decoder).unwrap();
    decoded.apply_orientation(turned);
    (decoded.width(), decoded.height())
}

#[tokio::test]
async fn what_is_kept_is_the_image_and_nothing_else() {
    for (row, how) in [(ROWS[0], "strip"), (ROWS[2], "reencode"), (ROWS[3], "strip")] {
        let mut stage = Stage::start_with(row, "", &format!("images = \"{how}\""), "").await;
        // One is held until its form was read, one waits in a temporary file.
        for (width, height) in [(64, 32), (640, 400)] {
            let image = taken(width, height);
            assert_eq!((image.len() > 64 * 1024, shown(&image)), (width > 64, (height, width)));
            for dialect in DIALECTS {
                let what = format!("{row:?}: {how}: {dialect}: {width}");
                let path = stage.stored(dialect, "view.jpg", &image).await;
                let served = http::get(stage.gateway.address, &path, &[]).await;
                assert_eq!(served.status, 200, "{what}");
                assert!(!tells(&served.body), "{what}");
                assert_eq!(shown(&served.body), (height, width), "{what}: it turned");
                let digest = format!("{:x}", Sha256::digest(&served.body));
                assert_eq!(served.header("etag"), Some(format!("\"{}\"", &digest[..32]).as_str()), "{what}");
                let listed = stage.listed().await.pop().unwrap();
                assert_eq!(listed["size"], served.body.len(), "{what}");
            }
        }
        let verified = uploads(&stage.gateway, &["verify", "--content"]).await;
        assert_eq!((verified.code, verified.lines.len()), (0, 0), "{row:?}: {verified:?}");
        let page = String::from_utf8(http::get(stage.gateway.admin, "/metrics", &[]).await.body).unwrap();
        let line = "dragoman_upload_images_total{outcome=\"made\",route=\"divar\"} 2";
        assert!(page.contains(line) && stage.gateway.is_alive(), "{line}");
    }
}

/// What is no image of the three formats, is broken, or too large: refused and gone, or kept as it came.
#[tokio::test]
async fn what_cannot_be_treated_is_refused_or_kept_as_the_config_says() {
    let row = Row { bucket: None, once: false, redis: false };
    let whole = taken(640, 400);
    let bomb = {
        let mut bomb = taken(64, 32);
        let frame = bomb.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
        bomb[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
        bomb
    };
    let huge = [whole.clone(), vec![7; 2 << 20]].concat();
    let cases: [(&str, &str, Vec<u8>, u16); 5] = [
        ("a GIF", "view.gif", [b"GIF89a\x01\0\x01\0".as_slice(), &[0; 90_000]].concat(), 400),
        ("a JPEG that breaks off", "view.jpg", whole[..whole.len() / 2].to_vec(), 400),
        ("a JPEG that breaks off early", "view.jpg", whole[..500].to_vec(), 400),
        ("a JPEG of four billion pixels", "view.jpg", bomb, 400),
        ("more bytes than are looked at", "view.jpg", huge, 413),
    ];
    for otherwise in ["refuse", "keep"] {
        let images = format!("images = {{ how = \"strip\", up_to = \"1MiB\", otherwise = \"{otherwise}\" }}");
        let mut stage = Stage::start_with(row, "", &images, "").await;
        for dialect in ["frontdesk", "licomed", "luxmart"] {
            let upload = Upload::of(&stage.gateway, dialect).await;
            for (what, name, content, status) in &cases {
                let before = stage.objects();
                let answer = upload.send(&stage.gateway, name, "image/jpeg", content).await;
                let what = format!(
                    "{dialect}: {what}: {otherwise}: {} {}",
                    answer.status,
                    String::from_utf8_lossy(&answer.body)
                );
                if otherwise == "refuse" {
                    let expected = if dialect == "frontdesk" { 400 } else { *status };
                    assert!(answer.status == expected && is_refusal(dialect, &answer.json()), "{what}");
                    assert_eq!(stage.objects(), before, "{what}");
                    continue;
                }
                assert!((200..300).contains(&answer.status), "{what}");
                let path = upload.told(&answer.json()).unwrap();
                assert!(http::get(stage.gateway.address, &path, &[]).await.body == *content, "{what}");
            }
            // What is no image is not looked at.
            let path = stage.stored(dialect, "page.pdf", b"%PDF-1.4\n").await;
            assert_eq!(http::get(stage.gateway.address, &path, &[]).await.body, b"%PDF-1.4\n");
        }
        assert!(stage.gateway.is_alive());
    }
}
