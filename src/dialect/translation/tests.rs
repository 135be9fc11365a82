//! What is shown of one frame, over every built-in dialect and every other.

use super::*;
use crate::dialect::builtin;

fn dialect(name: &str) -> std::sync::Arc<Dialect> {
    builtin::find(name).expect("built in")
}

#[test]
fn a_client_s_words_are_shown_to_the_clients_of_every_dialect() {
    let frontdesk = dialect("frontdesk");
    let said = r#"{"type":"text","conversation_id":7,"content":"two towels, please"}"#;
    let fields = frontdesk.understand(Side::Client, said).expect("understood");
    for dialect in builtin::all() {
        let name = &dialect.name;
        let shown = show(dialect, Side::Server, &fields).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert!(shown.carried.frames.iter().any(|frame| frame.contains("two towels, please")), "{name}: {shown:?}");
    }
}

#[test]
fn what_is_made_up_is_said() {
    let (frontdesk, luxmart) = (dialect("frontdesk"), dialect("luxmart"));
    let fields = frontdesk.understand(Side::Client, r#"{"type":"text","conversation_id":7,"content":"hi"}"#).unwrap();
    let shown = show(&luxmart, Side::Server, &fields).unwrap();
    assert!(shown.made_up.contains(&Field::Id), "{:?}", shown.made_up);
    assert!(!shown.made_up.contains(&Field::Body), "{:?}", shown.made_up);
}

#[test]
fn what_only_a_sender_knows_is_not_made_up() {
    let fields = Fields::about(crate::event::EventKind::Message(crate::event::MessageKind::Image));
    let wanting: Vec<&str> = builtin::names()
        .filter(|name| matches!(show(&dialect(name), Side::Client, &fields), Err(Unwritable::Needs(_))))
        .collect();
    assert!(!wanting.is_empty(), "an image without a file needs something everywhere");
}

#[test]
fn a_file_that_is_only_known_by_another_handle_is_no_empty_message() {
    let divar = dialect("divar");
    for said in [r#"{"media_token":"t"}"#, r#"{"media_token":"t","message":"the menu"}"#] {
        let fields = divar.understand(Side::Client, said).expect("understood");
        for target in builtin::all().iter().filter(|target| target.name != divar.name) {
            let shown = show(target, Side::Client, &fields);
            assert!(matches!(shown, Err(Unwritable::Needs(_))), "{}: {shown:?}", target.name);
        }
    }
}

#[test]
fn of_the_places_that_refuse_a_frame_the_one_that_knows_it_says_why() {
    let frontdesk = dialect("frontdesk");
    let fault = frontdesk.understand(Side::Client, r#"{"type":"text","conversation_id":7}"#).unwrap_err();
    assert_ne!(fault.reason, Reason::UnknownAction);
    let fault = frontdesk.understand(Side::Client, r#"{"type":"no such thing"}"#).unwrap_err();
    assert_eq!(fault.reason, Reason::UnknownAction);
}
