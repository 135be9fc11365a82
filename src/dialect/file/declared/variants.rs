//! `[variant.NAME]`: changes to the file itself.

use super::ROOT;
use super::frames::FRAME;
use crate::declaration::{Key, Kind, Table};

pub static VARIANTS: Table = Table::by_name(Kind::Changes(
    &ROOT,
    &[
        Key::new("like", Kind::Text, "Another variant, whose changes come first."),
        Key::new("remove", Kind::List(&Kind::Text), "What goes, as `frame.<id>` or `http.<id>` of the file itself."),
        Key::new(
            "frame",
            Kind::List(&Kind::Part(
                &FRAME,
                &[Key::new("socket", Kind::Text, "The socket that it is of; without it the first.")],
            )),
            "Changes to frames, by `id`; an unknown id is a new one.",
        ),
    ],
));
