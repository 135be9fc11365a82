//! How large the file in a form is, told by the length of the whole body before the file is read. In: that length, and
//! how much of the body came. Out: whether the file outgrows a limit, as soon as that is certain.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::AROUND_FILE;

/// The least that another part takes beside its boundary: `\r\n`, `Content-Disposition: form-data; name=x`, an empty line.
const SMALLEST_PART: u64 = 44;

/// What is known of a body whose file is being read.
pub struct Extent {
    /// Bytes of the body, where its sender said it.
    whole: Option<u64>,
    /// Bytes of the body that were read.
    read: Arc<AtomicU64>,
    /// Bytes of the boundary; 0 where there is no form.
    boundary: u64,
}

/// How a file compares with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    Fits,
    Outgrows,
    /// What follows the file may be part of the form.
    Unknown,
}

impl Extent {
    pub fn new(whole: Option<u64>, boundary: &str) -> Self {
        Extent { whole, read: Arc::default(), boundary: boundary.len() as u64 }
    }

    /// Of a body that is the file itself.
    pub fn of_file(whole: Option<u64>) -> Self {
        Extent { whole, read: Arc::default(), boundary: 0 }
    }

    /// Whether nothing but the file is in the body.
    pub fn is_of_file(&self) -> bool {
        self.boundary == 0
    }

    /// Counts what is read.
    pub fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// Whether the whole body, and so any file in it, has at most this many bytes.
    pub fn is_below(&self, limit: u64) -> bool {
        self.whole.is_some_and(|whole| whole <= limit)
    }

    /// The most bytes that the file can have, of which `taken` came: exactly as many as it has, if it is the last part.
    /// `None` where the sender does not say how long the body is.
    pub fn largest(&self, taken: u64) -> Option<u64> {
        let before = if self.is_of_file() { 0 } else { self.read.load(Ordering::Relaxed).saturating_sub(taken) };
        let end = match self.boundary {
            0 => 0,
            boundary => boundary + "\r\n--".len() as u64 + "--\r\n".len() as u64,
        };
        Some(self.whole?.saturating_sub(before).saturating_sub(end))
    }

    /// Compares the file, of which `taken` bytes came, with a limit; both in bytes.
    pub fn against(&self, (limit, taken): (u64, u64)) -> Fit {
        // What was read and is not of the file stood before it, or is about to be given as more of it: then the file seems
        // smaller than it is for now.
        let Some(largest) = self.largest(taken) else { return Fit::Unknown };
        match largest.checked_sub(limit) {
            None | Some(0) => Fit::Fits,
            Some(over) if over < self.boundary + SMALLEST_PART || over > AROUND_FILE => Fit::Outgrows,
            Some(_) => Fit::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of `before` bytes, the file and `after` bytes, with its boundary at the end.
    fn against(before: u64, file: u64, after: u64, limit: u64) -> Fit {
        let extent = Extent::new(Some(before + file + after + 6 + 8), "border");
        let first = file.min(8_000);
        extent.counter().store(before + first, Ordering::Relaxed);
        extent.against((limit, first))
    }

    #[test]
    fn one_byte_decides() {
        for size in [100, 9_000, 50 << 20] {
            assert_eq!(against(300, size, 0, size), Fit::Fits, "{size}");
            assert_eq!(against(300, size + 1, 0, size), Fit::Outgrows, "{size}");
        }
    }

    #[test]
    fn what_may_follow_a_file_is_not_taken_for_it() {
        assert_eq!(against(300, 10_000, 200, 10_000), Fit::Unknown);
        assert_eq!(against(300, 10_001, 200, 10_000), Fit::Unknown);
        assert_eq!(against(300, 5_000, 200, 10_000), Fit::Fits);
        assert_eq!(against(300, 10_000 + AROUND_FILE, 200, 10_000), Fit::Outgrows);
    }

    #[test]
    fn a_body_without_a_length_says_nothing() {
        let extent = Extent::new(None, "border");
        assert_eq!(extent.against((10, 100)), Fit::Unknown);
    }
}
