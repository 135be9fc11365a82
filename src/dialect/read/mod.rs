//! Decoding: one pass over the bytes records what stands at every place that a shape names; the first shape whose
//! constants agree gives the fields. In: a frame. Out: fields that borrow from it, or the fault, with the field named.

mod bind;
mod candidate;
mod derive;
mod scan;
mod tree;
mod tried;

use crate::event::{Field, Fields, Value};
use crate::fault::{Fault, Reason};

use super::capture::Captured;
use super::frame::{Frame, Nested, Read};
use super::problem::Problem;
use candidate::Candidate;
use tree::KeyTree;

pub use derive::kind_of_file;
pub use tried::{Tried, Verdict};

/// The compiled shapes of one direction.
#[derive(Debug, Default)]
pub struct Reader {
    tree: KeyTree,
    candidates: Vec<Candidate>,
}

impl Reader {
    pub(super) fn compile(frames: &[Frame], nested: &mut Nested<'_>) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::default();
        for (at, frame) in frames.iter().enumerate() {
            let main = Candidate::compile(at, &frame.shape, &[], &mut reader.tree, nested);
            reader.candidates.push(main);
            for alternative in &frame.also {
                let also = Candidate::compile(at, &alternative.shape, &alternative.absent, &mut reader.tree, nested);
                reader.candidates.push(also);
            }
        }
        let problems = candidate::unreachable(&reader.candidates, frames);
        if problems.is_empty() { Ok(reader) } else { Err(problems) }
    }

    pub(super) fn read<'a>(&'a self, text: &'a str, frames: &'a [Frame]) -> Result<Read<'a>, Fault> {
        let mut captures = scan::Captures::new();
        scan::scan(&self.tree, text, &mut captures)?;
        let mut first_fault = None;
        for candidate in &self.candidates {
            if !candidate.agrees(&captures) {
                continue;
            }
            match candidate.bind(&captures, &frames[candidate.frame]) {
                Ok(fields) => return Ok(Read { frame: candidate.frame, fields }),
                // A later shape may still fit whole; if none does, the first that agreed says what was wrong.
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        Err(first_fault.unwrap_or_else(|| self.unknown(&captures)))
    }

    /// The same bytes with other values in the places of some fields: what goes to a server of the same dialect is not
    /// written anew, so unknown members, order and blanks stay as they are.
    pub(super) fn splice(&self, text: &str, frames: &[Frame], changes: &[(Field, Value<'_>)]) -> Result<String, Fault> {
        let mut captures = scan::Captures::new();
        let spans = scan::scan_with_spans(&self.tree, text, &mut captures)?;
        let candidate = self.candidates.iter().find(|candidate| {
            candidate.agrees(&captures) && candidate.bind(&captures, &frames[candidate.frame]).is_ok()
        });
        let Some(candidate) = candidate else { return Err(self.unknown(&captures)) };
        let mut places: Vec<(usize, String)> = Vec::new();
        for (field, value) in changes {
            for (at, codec) in candidate.places(*field).filter(|(at, _)| !captures[*at].is_absent()) {
                let mut written = String::new();
                if !codec.write(value, &mut written) {
                    return Err(Fault::invalid(*field));
                }
                places.push((at, written));
            }
        }
        for (at, shape) in candidate.embedded() {
            let Captured::Text(inner) = &captures[at] else { continue };
            let spliced = shape.splice(inner, changes)?;
            if spliced != **inner {
                let mut written = String::new();
                super::json::write_string(&spliced, &mut written);
                places.push((at, written));
            }
        }
        places.sort_by_key(|(at, _)| spans[*at].start);
        let (mut out, mut copied) = (String::with_capacity(text.len() + 32), 0);
        for (at, written) in places {
            out.push_str(&text[copied..spans[at].start]);
            out.push_str(&written);
            copied = spans[at].end;
        }
        out.push_str(&text[copied..]);
        Ok(out)
    }

    /// No shape agreed: say so, naming nothing of the content.
    fn unknown(&self, captures: &[Captured<'_>]) -> Fault {
        let fault = Fault::new(Reason::UnknownAction);
        match captures.first() {
            Some(Captured::Object) => fault,
            _ => fault.detail("an object was expected"),
        }
    }
}

/// What binding gives.
type Bound<'a> = Result<Fields<'a>, Fault>;
