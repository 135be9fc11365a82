//! As what a file must arrive, by what the two dialects' files declare. In: two dialects and a file. Out: a file, or words
//! with a link.

use crate::dialect::Dialect;
use crate::dialect::loss::{self, Outcome};
use crate::event::MessageKind;

use super::client::Arrival;
use super::script::File;

pub fn arrival(from: &Dialect, to: &Dialect, file: &File) -> Arrival {
    let Some(kind) = MessageKind::parse(&file.kind) else { return Arrival::Words };
    let carried = loss::between(from, to).kinds.get(&kind).is_some_and(|losses| losses.outcome == Outcome::Carried);
    let listed = to.types.find(&file.name, Some(&file.mime), Some(kind)).is_some();
    let fits = to.types.max(kind).is_none_or(|most| file.content().len() as u64 <= most);
    if carried && listed && fits { Arrival::File } else { Arrival::Words }
}
