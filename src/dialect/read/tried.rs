//! What became of each shape that a frame could have been of, for people: which one it is, and why it is none of the
//! others.

use crate::fault::{Fault, Reason};

use super::super::capture::Captured;
use super::super::frame::Frame;
use super::super::table::Scalar;
use super::candidate::Candidate;
use super::scan;
use super::{Reader, tree::KeyTree};

/// A shape, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The id of its frame.
    pub frame: String,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The frame is of this shape.
    Read,
    /// It would fit too, and an earlier one was taken.
    Later,
    /// A constant of the shape is not there: where, and what is wanted, as JSON.
    Constant { path: String, wanted: String },
    /// A member is there that this shape has not.
    Present(String),
    /// The constants agree, and something else is wrong.
    Fault(Fault),
}

impl Reader {
    /// All shapes, in order. A fault: it is no JSON, or too deep.
    pub(in super::super) fn try_all(&self, text: &str, frames: &[Frame]) -> Result<Vec<Tried>, Fault> {
        let mut captures = scan::Captures::new();
        scan::scan(&self.tree, text, &mut captures)?;
        if captures.first() != Some(&Captured::Object) {
            return Err(Fault::new(Reason::UnknownAction).detail("an object was expected"));
        }
        let mut was_read = false;
        let judged = self.candidates.iter().map(|candidate| {
            let frame = &frames[candidate.frame];
            let verdict = match candidate.disagrees(&captures, &self.tree) {
                Some(verdict) => verdict,
                None if was_read => Verdict::Later,
                None => match candidate.bind(&captures, frame) {
                    Ok(_) => Verdict::Read,
                    Err(fault) => Verdict::Fault(fault),
                },
            };
            was_read |= verdict == Verdict::Read;
            Tried { frame: frame.id.clone(), verdict }
        });
        Ok(judged.collect())
    }
}

impl Candidate {
    /// Why constants or absences decide against this shape.
    fn disagrees(&self, captures: &[Captured<'_>], tree: &KeyTree) -> Option<Verdict> {
        let (constants, absent) = self.discriminators();
        if let Some((at, scalar)) = constants.iter().find(|(at, scalar)| !scalar.matches(&captures[*at])) {
            return Some(Verdict::Constant { path: tree.path(*at), wanted: json(scalar) });
        }
        let present = absent.iter().find(|at| captures[**at] != Captured::Missing);
        present.map(|at| Verdict::Present(tree.path(*at)))
    }
}

fn json(scalar: &Scalar) -> String {
    let mut text = String::new();
    scalar.write(&mut text);
    text
}
