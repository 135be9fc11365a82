//! Which rows `check` prints of what a pair of dialects loses.

use super::*;
use crate::dialect::builtin;

fn of(from: &str, to: &str, on_loss: OnLoss) -> Vec<Row> {
    let dialect = |name| builtin::find(name).unwrap();
    rows(&loss::towards(&dialect(from), &dialect(to), None), on_loss)
}

fn row(said: &[&'static str], becomes: &'static str, which: &str) -> Row {
    Row { said: said.to_vec(), becomes, which: which.to_owned() }
}

#[test]
fn what_cannot_be_carried_becomes_text_or_is_refused() {
    let wanted = [
        row(&["text", "image", "document"], "the same", ""),
        row(&["video", "audio"], "text with a signed link", ""),
        row(&["document"], "text with a signed link", "txt"),
        row(&["presence"], "dropped and counted", ""),
        row(&["conversation.updated"], "refused", ""),
    ];
    assert_eq!(of("frontdesk", "luxmart", OnLoss::Degrade), wanted);
    let wanted = [
        row(&["text", "image", "document"], "the same", ""),
        row(&["video", "audio", "conversation.updated"], "refused", ""),
        row(&["document"], "refused", "txt"),
        row(&["presence"], "dropped and counted", ""),
    ];
    assert_eq!(of("frontdesk", "luxmart", OnLoss::Refuse), wanted);
}

#[test]
fn captions_without_a_place_follow() {
    let wanted = [
        row(&["text"], "the same", ""),
        row(&["image", "video", "audio", "document"], "the same", "its caption follows as text"),
        row(&["receipt", "typing", "presence"], "dropped and counted", ""),
        row(&["conversation.updated"], "refused", ""),
    ];
    assert_eq!(of("frontdesk", "andromedia", OnLoss::Degrade), wanted);
}

#[test]
fn buttons_become_lines_where_there_are_none() {
    let buttons = |to, on_loss| of("divar", to, on_loss).into_iter().find(|row| row.said.contains(&"buttons"));
    for to in ["frontdesk", "andromedia", "licomed", "luxmart"] {
        assert_eq!(buttons(to, OnLoss::Degrade), Some(row(&["buttons"], "lines of the text", "")), "{to}");
        assert_eq!(buttons(to, OnLoss::Refuse).map(|row| row.becomes), Some("refused"), "{to}");
    }
    assert_eq!(buttons("divar", OnLoss::Degrade), None);
}

#[test]
fn types_and_sizes_are_of_the_kind() {
    let rows = of("luxmart", "divar", OnLoss::Degrade);
    let images = rows.iter().find(|row| row.which.contains("gif")).unwrap();
    assert_eq!((images.said.as_slice(), images.becomes), (&["image"][..], "text with a signed link"));
    assert_eq!(images.which, "gif heic heif; above 5 MiB");
    let documents = rows.iter().find(|row| row.which == "above 5 MiB").unwrap();
    assert_eq!(documents.said, ["document"]);
}

#[test]
fn sizes_are_readable() {
    for (bytes, text) in [(1_572_864, "1.5 MiB"), (5 << 20, "5 MiB"), (900, "900 B"), (2048, "2 KiB")] {
        assert_eq!(size(bytes), text);
    }
}
