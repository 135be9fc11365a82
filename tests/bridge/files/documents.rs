//! Which files each dialect takes, as its document says it: written down here once more, from the documents and not from
//! the dialect files. In: a dialect and an extension. Out: the kind and the largest size. And what such files begin with.

use super::stage::MEBIBYTE;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is a file at the backend.
    Carried,
    /// It is words with a link.
    Linked,
    Refused,
}

/// A file of some extension.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub extension: &'static str,
    pub kind: &'static str,
    /// As a client declares it.
    pub mime: &'static str,
    head: &'static [u8],
}

impl Sample {
    /// A file of this many bytes.
    pub fn bytes(&self, size: usize) -> Vec<u8> {
        let mut bytes = self.head.to_vec();
        bytes.resize(size, b' ');
        bytes
    }
}

const fn sample(extension: &'static str, kind: &'static str, mime: &'static str, head: &'static [u8]) -> Sample {
    Sample { extension, kind, mime, head }
}

const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\x06\0\x08\0";

pub const SAMPLES: [Sample; 19] = [
    sample("png", "image", "image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    sample("jpg", "image", "image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    sample("jpeg", "image", "image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    sample("gif", "image", "image/gif", b"GIF89a\x01\0\x01\0"),
    sample("heic", "image", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"),
    sample("pdf", "document", "application/pdf", b"%PDF-1.4\n"),
    sample("txt", "document", "text/plain", b"words\n"),
    sample("doc", "document", "application/msword", OLE),
    sample("docx", "document", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ZIP),
    sample("xls", "document", "application/vnd.ms-excel", OLE),
    sample("xlsx", "document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ZIP),
    sample("pptx", "document", "application/vnd.openxmlformats-officedocument.presentationml.presentation", ZIP),
    sample("zip", "document", "application/zip", ZIP),
    sample("mp4", "video", "video/mp4", b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"),
    sample("avi", "video", "video/x-msvideo", b"RIFF\x24\0\0\0AVI LIST"),
    sample("mov", "video", "video/quicktime", b"\0\0\0\x14ftypqt  \0\0\x02\0qt  "),
    sample("mp3", "audio", "audio/mpeg", b"ID3\x03\0\0\0\0\0\x21"),
    sample("wav", "audio", "audio/wav", b"RIFF\x24\0\0\0WAVEfmt "),
    sample("m4a", "audio", "audio/mp4", b"\0\0\0\x20ftypM4A \0\0\x02\0M4A isomiso2mp42"),
];

pub fn find(extension: &str) -> &'static Sample {
    SAMPLES.iter().find(|sample| sample.extension == extension).expect("a sample")
}

/// The largest file of this extension that the document allows, in bytes; none where it does not list it.
pub fn limit(dialect: &str, extension: &str) -> Option<usize> {
    const PER_KIND: &[(&str, &str, usize)] = &[
        ("frontdesk", "jpeg jpg png gif pdf txt doc docx mp4 avi mov mp3 wav", 10 * MEBIBYTE),
        ("luxmart", "jpg jpeg png gif heic heif pdf doc docx xls xlsx", 10 * MEBIBYTE),
        ("divar", "png jpeg jpg", 5 * MEBIBYTE),
        ("divar", "pdf doc docx xlsx xls pptx ppt", 5 * MEBIBYTE),
        ("divar", "m4a 3gp", 3 * MEBIBYTE / 2),
        ("divar", "mp4", 50 * MEBIBYTE),
    ];
    // No limits are given; what was decided for them.
    if matches!(dialect, "andromedia" | "licomed") {
        return Some(25 * MEBIBYTE);
    }
    let listed = |(name, extensions, _): &&(&str, &str, usize)| {
        *name == dialect && extensions.split(' ').any(|known| known == extension)
    };
    PER_KIND.iter().find(listed).map(|(_, _, limit)| *limit)
}

/// What `dragoman check` says of a file on a route: the table's rows, each with who is meant, what becomes of it, and which.
#[derive(Debug)]
pub struct Declared(Vec<[String; 3]>);

impl Declared {
    pub fn read(text: &str) -> Self {
        let table = text.split_once("SAID").map(|(_, table)| table).unwrap_or_else(|| panic!("no table in {text}"));
        let lines = table.lines().skip(1).take_while(|line| !line.trim().is_empty());
        let rows = lines.map(|line| {
            let mut cells = line.trim().split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned);
            [cells.next().unwrap_or_default(), cells.next().unwrap_or_default(), cells.next().unwrap_or_default()]
        });
        Declared(rows.collect())
    }

    /// What is said of a file of this kind, extension and size in bytes.
    pub fn fate(&self, kind: &str, extension: &str, size: usize) -> Fate {
        let mut fate = None;
        for [said, becomes, which] in self.0.iter().filter(|[said, ..]| said.split(", ").any(|one| one == kind)) {
            let this = match becomes.as_str() {
                "the same" => Fate::Carried,
                "text with a signed link" => Fate::Linked,
                "refused" => Fate::Refused,
                other => panic!("{said}: {other}"),
            };
            // Facts that are left out, and captions that follow, are of all files of the kind.
            let is_whole = which.is_empty() || which.starts_with("without ") || which.starts_with("its caption ");
            if (is_whole && fate.is_none()) || (!is_whole && names(which, extension, size)) {
                fate = Some(this);
            }
        }
        fate.unwrap_or_else(|| panic!("nothing is said of {kind}: {self:?}"))
    }
}

/// Whether `gif heic; above 5 MiB`, or `all but png; …`, means this file.
fn names(which: &str, extension: &str, size: usize) -> bool {
    which.split("; ").any(|part| match (part.strip_prefix("above "), part.strip_prefix("all but ")) {
        (Some(above), _) => {
            let (number, unit) = above.split_once(' ').expect("a size");
            assert_eq!(unit, "MiB");
            size as f64 > number.parse::<f64>().unwrap() * MEBIBYTE as f64
        }
        (None, Some(taken)) => !taken.split(' ').any(|known| known == extension),
        (None, None) => part.split(' ').any(|known| known == extension),
    })
}
