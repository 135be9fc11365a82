//! Which way up an image is. In: Exif metadata (CIPA DC-008), which is TIFF. Out: its orientation and nothing else of it.

use image::metadata::Orientation;

/// What stands before Exif in JPEG, and sometimes in WebP.
pub const MARK: &[u8] = b"Exif\0\0";

/// Exif that says which way up the image is, where `exif` says that it is turned.
pub fn alone(exif: &[u8]) -> Option<[u8; 26]> {
    let turned = Orientation::from_exif_chunk(exif.strip_prefix(MARK).unwrap_or(exif))?;
    if turned == Orientation::NoTransforms {
        return None;
    }
    // Big-endian, its first directory at byte 8: one entry of tag 0x0112, of type SHORT, once; no further directory.
    let mut made = *b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    made[19] = turned.to_exif();
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_orientation_is_left() {
        let mut exif =
            b"II\x2a\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x25\x88\x04\0\x01\0\0\0\x26\0\0\0".to_vec();
        exif.extend_from_slice(b"\0\0\0\0a secret place");
        let made = alone(&exif).expect("it is turned");
        assert_eq!(Orientation::from_exif_chunk(&made), Some(Orientation::Rotate90));
        assert_eq!(alone(&[MARK, &exif].concat()), Some(made));
        exif[18] = 1;
        assert_eq!(alone(&exif), None, "not turned");
        for end in 0..exif.len() {
            alone(&exif[..end]);
        }
        for wrong in [&b""[..], b"MM", b"II\x2a\0\xff\xff\xff\xff", b"MM\0\x2a\0\0\0\x08\xff\xff"] {
            assert_eq!(alone(wrong), None);
        }
    }
}
