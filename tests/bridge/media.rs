//! Files for tests whose first bytes are right and whose rest is made up as it is read. In: a format, a size, a seed. Out:
//! the bytes in chunks, or at once; the same for the same seed.

// The suites use different parts.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};

use crate::harness::http::{self, Answer, BOUNDARY};

/// How much is made at a time.
const CHUNK: usize = 64 * 1024;
/// How long an upload of the largest file of any test may take, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    Pdf,
    Mp4,
    M4a,
}

impl Format {
    pub fn mime(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Pdf => "application/pdf",
            Format::Mp4 => "video/mp4",
            Format::M4a => "audio/mp4",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Pdf => "pdf",
            Format::Mp4 => "mp4",
            Format::M4a => "m4a",
        }
    }

    /// What such a file begins with.
    fn head(self) -> &'static [u8] {
        match self {
            // The header of one grey pixel.
            Format::Png => b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55",
            Format::Pdf => b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n",
            // A box that names the brand; the next one holds the rest, however long (its size is 0).
            Format::Mp4 => b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\0mdat",
            Format::M4a => b"\0\0\0\x20ftypM4A \0\0\x02\0M4A isomiso2mp42\0\0\0\0mdat",
        }
    }
}

/// A file that is made while it is read.
#[derive(Debug, Clone, Copy)]
pub struct File {
    pub format: Format,
    /// Bytes.
    pub size: usize,
    /// Files of two seeds differ.
    pub seed: u64,
}

impl File {
    pub fn new(format: Format, size: usize, seed: u64) -> Self {
        assert!(size >= format.head().len(), "{size} bytes do not hold the head of {format:?}");
        File { format, size, seed }
    }

    pub fn name(&self) -> String {
        format!("made-{}.{}", self.seed, self.format.extension())
    }

    /// The bytes in chunks; no more than one of them is held.
    pub fn chunks(self) -> impl Iterator<Item = Bytes> + Send + 'static {
        let mut noise = Noise(self.seed);
        let mut left = self.size;
        let mut head = self.format.head();
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let mut chunk = Vec::with_capacity(CHUNK.min(left) + 8);
            chunk.extend_from_slice(std::mem::take(&mut head));
            while chunk.len() < CHUNK.min(left) {
                chunk.extend_from_slice(&noise.next());
            }
            chunk.truncate(left);
            left -= chunk.len();
            Some(Bytes::from(chunk))
        })
    }

    /// The same as a stream, as the body of a request wants it.
    pub fn stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        stream::iter(self.chunks())
    }

    /// Uploads it in a form, after the fields, without ever holding it whole: the answer, and how many bytes of the request
    /// went out before the connection ended.
    pub async fn upload(
        self,
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
        file_field: &str,
    ) -> (Answer, usize) {
        let mut before = String::new();
        for (name, value) in fields {
            before += &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        before += &format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{file_field}\"; filename=\"{}\"\r\n\
             Content-Type: {}\r\n\r\n",
            self.name(),
            self.format.mime()
        );
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n");
        head += &format!("Content-Length: {}\r\n\r\n", before.len() + self.size + after.len());
        let chunks = [Bytes::from(head + &before)].into_iter().chain(self.chunks()).chain([Bytes::from(after)]);
        http::send_chunks(address, chunks, PATIENCE).await
    }

    /// The whole file.
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size);
        for chunk in self.chunks() {
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }
}

/// Bytes that no compression finds a pattern in: SplitMix64.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> [u8; 8] {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_size_and_its_head() {
        for format in [Format::Png, Format::Pdf, Format::Mp4, Format::M4a] {
            for size in [format.head().len(), 100, CHUNK - 1, CHUNK, CHUNK + 1, 5 * 1_048_576] {
                let bytes = File::new(format, size, 7).bytes();
                assert_eq!(bytes.len(), size, "{format:?}");
                assert!(bytes.starts_with(format.head()), "{format:?}");
                let known = infer::get(&bytes).map(|kind| kind.extension());
                assert_eq!(known, Some(format.extension()), "{format:?} of {size} bytes");
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let of = |seed| File::new(Format::Mp4, 200_000, seed).bytes();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(File::new(Format::Mp4, 50 * 1_048_576, 1).chunks().all(|chunk| chunk.len() <= CHUNK + 64));
    }
}
