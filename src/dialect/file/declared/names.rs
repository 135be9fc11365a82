//! The sections whose keys are names that shapes use: options, enums, codecs, shapes.

use super::super::super::codec::Codec;
use super::OPTION;
use super::frames::{GUARDED, SET, SHAPE_EVENT};
use crate::declaration::{Key, Kind, Table, Words};

pub static URL_ENDS: Table = Table::by_name(Kind::Text);

pub static OPTIONS: Table = Table::by_name(Kind::Either(&[Kind::Boolean, Kind::Text]));

pub static ENUMS: Table = Table::by_name(Kind::Table(&ENUM));

static ENUM: Table = Table::of(&[
    Key::new("write", Kind::Table(&SCALARS), "What each of our values is on the wire."),
    Key::new("other", Kind::SCALAR, "What every other value of ours is on the wire."),
    Key::new(
        "read",
        Kind::Table(&SCALARS),
        "What a value of the wire is to us, where it is not `write` read backwards.",
    ),
    Key::new("unknown", Kind::Text, "What an unknown value of the wire is; without it such a frame is refused."),
]);

static SCALARS: Table = Table::by_name(Kind::SCALAR);

pub static CODECS: Table = Table::by_name(Kind::Table(&CODEC));

const CODEC_NAMES: Words = Words::of(|| Codec::names().map(str::to_owned).collect());

static CODEC: Table = Table::of(&[
    OPTION,
    Key::needed("on", Kind::Word(CODEC_NAMES), "The codec while the option is true."),
    Key::needed("off", Kind::Word(CODEC_NAMES), "The codec while it is false."),
]);

pub static SHAPES: Table = Table::by_name(Kind::Either(&[Kind::Text, Kind::Table(&SHAPE)]));

static SHAPE: Table = Table {
    one_of: &[&["shape", "one_of"]],
    ..Table::of(&[
        OPTION,
        SHAPE_EVENT,
        Key::new("shape", Kind::Text, "JSON with holes."),
        Key::new("one_of", Kind::TEXTS, "Named shapes, of which the first that matches, or fits, is taken."),
        GUARDED,
        SET,
    ])
};
