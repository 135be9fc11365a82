//! The loss matrix: what is committed is what the dialect files say, and what `dragoman translate` does is what the
//! matrix declares. `UPDATE_LOSSES=1` rewrites the committed pages.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use dragoman::dialect::loss::{self, Outcome};
use dragoman::dialect::{Audience, Degradation, Dialect, Op, Request, builtin};
use dragoman::event::{Choice, Event, EventKind, Field, Fields, MessageKind, RawJson, Role, Side, Timestamp, Value};

fn all() -> Vec<&'static Dialect> {
    builtin::all().iter().map(AsRef::as_ref).collect()
}

/// Replaces what stands between two marks of a page; says whether it stood there already.
#[expect(clippy::disallowed_methods, reason = "a test asks whether to rewrite what it compares")]
fn is_current(page: &str, marks: (&str, &str), wanted: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(marks.0).unwrap_or_else(|| panic!("{page} has no {}", marks.0));
    let (found, after) = rest.split_once(marks.1).unwrap_or_else(|| panic!("{page} has no {}", marks.1));
    let wanted = format!("\n{wanted}");
    if found != wanted && std::env::var_os("UPDATE_LOSSES").is_some() {
        std::fs::write(&path, format!("{before}{}{wanted}{}{after}", marks.0, marks.1)).unwrap();
        return true;
    }
    found == wanted
}

/// All dialects and all their variants.
fn all_forms() -> Vec<std::sync::Arc<Dialect>> {
    builtin::all().iter().cloned().chain(builtin::variants()).collect()
}

/// A dialect and a variant of it are no pair: routes between them pass on what there is.
fn are_a_pair(from: &Dialect, to: &Dialect) -> bool {
    let family = |dialect: &Dialect| dialect.name.split('@').next().map(str::to_owned);
    from.name == to.name || family(from) != family(to)
}

#[test]
fn the_committed_matrix_is_that_of_the_dialect_files() {
    let variants = builtin::variants();
    let variants: Vec<&Dialect> = variants.iter().map(AsRef::as_ref).collect();
    let matrix = loss::matrix(&all()) + &loss::of_variants(&all(), &variants);
    let table: String =
        matrix.lines().take_while(|line| line.starts_with('|')).map(|line| format!("{line}\n")).collect();
    let help = "is not what the dialect files say; run this test with UPDATE_LOSSES=1";
    assert!(is_current("docs/losses.md", ("<!-- generated -->", "<!-- end -->"), &matrix), "docs/losses.md {help}");
    assert!(is_current("README.md", ("<!-- matrix -->", "<!-- end of matrix -->"), &table), "README.md {help}");
}

/// A file name of this kind that the dialect takes.
fn file_name(dialect: &Dialect, kind: MessageKind) -> String {
    let listed = dialect.types.kinds.get(&kind).and_then(|types| types.extensions.keys().next().cloned());
    let usual = match kind {
        MessageKind::Image => "png",
        MessageKind::Video => "mp4",
        MessageKind::Audio => "mp3",
        _ => "pdf",
    };
    format!("file.{}", listed.unwrap_or_else(|| usual.to_owned()))
}

/// A message of this kind about which everything is known.
fn full_event(dialect: &Dialect, kind: MessageKind) -> Event {
    let mut event = Event::new(EventKind::Message(kind));
    let details = &mut event.details;
    details.id = "12".to_owned();
    details.conversation.id = "34".to_owned();
    details.sender.id = "56".to_owned();
    details.sender.role = Some(Role::User);
    details.sender.side = Some(Side::Buyer);
    details.sender.name = Some("Ann".to_owned());
    details.receiver.id = "78".to_owned();
    details.body = Some("words".to_owned());
    details.sent_at = Timestamp::parse("2024-01-15T10:30:00Z");
    details.guest.name = Some("Gil".to_owned());
    if dialect.has_buttons() {
        details.buttons.both = RawJson::parse("{\"rows\":[]}");
        details.buttons.choices = vec![Choice { label: Some("Open".to_owned()), ..Choice::default() }];
    }
    if kind.is_file() {
        let name = file_name(dialect, kind);
        details.attachment.url = Some(format!("https://h.example/media/{name}"));
        details.attachment.path = Some(format!("/media/{name}"));
        details.attachment.mime = dialect.types.find(&name, None, Some(kind)).map(|(_, mime)| mime);
        details.attachment.name = Some(name);
        details.attachment.size = Some(1_000);
    }
    if matches!(kind, MessageKind::Profile | MessageKind::Contact) {
        details.profile.id = Some("90".to_owned());
        details.profile.name = Some("Ada".to_owned());
        details.profile.phone = Some("5550100".to_owned());
    }
    if kind == MessageKind::Location {
        details.location.latitude = Some(35.5);
        details.location.longitude = Some(51.25);
    }
    event
}

/// The frame by which clients of this dialect are told of it.
fn frame(dialect: &Dialect, kind: MessageKind) -> Option<String> {
    let event = full_event(dialect, kind);
    let mut fields: Fields<'_> = event.fields();
    fields.set(Field::SubscriptionMetadata, Value::Json("{}".into()));
    dialect.server_places().iter().find_map(|place| place.write(&fields, Audience::Receiver).ok()?.into_iter().next())
}

fn translate(from: &str, to: &str, frame: &str) -> (bool, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args(["translate", "--from", from, "--to", to, "--side", "server"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(frame.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn translating_does_what_the_matrix_declares() {
    let (mut seen, forms) = (0, all_forms());
    for from in &forms {
        for to in forms.iter().filter(|to| are_a_pair(from, to)) {
            for (kind, losses) in loss::between(from, to).kinds {
                let Some(frame) = frame(from, kind) else { panic!("{} cannot say {kind:?}", from.name) };
                let (done, data, talk) = translate(&from.name, &to.name, &frame);
                let case = format!("{} to {}, {kind:?}: {frame}\n{data}{talk}", from.name, to.name);
                seen += 1;
                if !done {
                    // A refusal is explicit: it names the field without which nothing can be said, or the kind.
                    let names =
                        talk.contains("needs `") || (losses.outcome == Outcome::Nothing && talk.contains("no form"));
                    assert!(names, "{case}");
                    continue;
                }
                assert!(data.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{case}");
                let name = file_name(from, kind);
                let extension = name.rsplit('.').next().unwrap_or_default();
                let excluded = losses.types.iter().any(|types| match types.strip_prefix("all but ") {
                    Some(taken) => !taken.split(' ').any(|taken| taken == extension),
                    None => types == extension,
                });
                let as_text = talk.contains("went as text");
                assert_eq!(as_text, losses.outcome == Outcome::Text || excluded, "{case}");
                let lost = talk.lines().find_map(|line| line.strip_prefix("lost: ")).unwrap_or_default();
                for field in lost.split(", ").filter(|field| !field.is_empty() && *field != "kind") {
                    let declared = losses.fields.iter().any(|known| known.path() == field);
                    assert!(declared || as_text, "{field} is lost and not declared: {case}");
                }
            }
        }
    }
    assert!(seen >= 43 * 3, "only {seen} translations");
    println!("{seen} translations");
}

/// The same event as an upstream's client would say it, with every handle of its file.
fn with_handles(event: &Event) -> Fields<'_> {
    let mut fields = event.fields();
    if event.kind.message().is_some_and(MessageKind::is_file) {
        fields.set_text(Field::AttachmentToken, "token-1".to_owned());
        fields.set_text(Field::AttachmentChatId, "12".to_owned());
    }
    fields
}

/// Whether a client's frames tell a fact of such messages, and whether its uploads do.
fn told_by_clients(dialect: &Dialect, kind: MessageKind, field: Field) -> (bool, bool) {
    let by_frame = dialect.client_places().into_iter().any(|place| {
        let about =
            |at: &usize| place.frames[*at].pattern.is_some_and(|pattern| pattern.matches(EventKind::Message(kind)));
        (0..place.frames.len()).filter(about).any(|at| place.told(at).contains(&field))
    });
    let mut uploads = dialect.calls.iter().filter(|call| call.op == Op::Upload && kind.is_file());
    let by_upload = uploads.any(|call| match &call.request {
        Request::Multipart { parts, .. } => parts.iter().any(|part| part.field == Some(field)),
        Request::Json(_) | Request::Empty => false,
    });
    (by_frame, by_upload)
}

/// Whether a send takes either words or a file.
fn takes_words_alone(dialect: &Dialect, kind: MessageKind) -> bool {
    let places = dialect.client_places();
    let mut about = places
        .iter()
        .flat_map(|place| &place.frames)
        .filter(|frame| frame.pattern.is_some_and(|pattern| pattern.matches(EventKind::Message(kind))));
    about.all(|frame| frame.need.as_ref().is_some_and(|need| need.exclusive))
}

#[test]
fn clients_are_carried_as_a_route_declares() {
    let (mut seen, forms) = (0, all_forms());
    for from in &forms {
        for to in forms.iter().filter(|to| are_a_pair(from, to)) {
            let losses = loss::towards(from, to, None);
            let as_lines = losses.buttons_as_lines;
            for (kind, losses) in losses.kinds {
                let event = full_event(from, kind);
                let fields = with_handles(&event);
                let case = format!("{} to {}, {kind:?}", from.name, to.name);
                let carried = to.carry(&to.client_places(), &fields, Audience::Sender);
                let carried = carried.unwrap_or_else(|error| panic!("{case}: {error:?}"));
                let name = file_name(from, kind);
                let extension = name.rsplit('.').next().unwrap_or_default();
                let excluded = losses.types.iter().any(|types| match types.strip_prefix("all but ") {
                    Some(taken) => !taken.split(' ').any(|taken| taken == extension),
                    None => types == extension,
                });
                let as_text = carried.degraded.iter().any(|why| *why != Degradation::Buttons);
                assert_eq!(carried.degraded.contains(&Degradation::Buttons), as_lines, "{case}");
                assert_eq!(as_text, losses.outcome == Outcome::Text || excluded, "{case}");
                for field in losses.fields.iter().filter(|field| fields.has(**field)) {
                    assert!(carried.lost.contains(field) || as_text, "{case}: {field:?} is not lost");
                }
                // The words of a message are the one fact that nobody would do without.
                let said = told_by_clients(from, kind, Field::Body) != (false, false);
                let (by_frame, by_upload) = told_by_clients(to, kind, Field::Body);
                let kept = by_frame || as_text;
                assert_eq!(carried.lost.contains(&Field::Body), !kept, "{case}: {carried:?}");
                // What no frame and no upload has a place for follows as a text: it is never lost.
                let arrives = losses.outcome == Outcome::Carried && kind.is_file();
                let apart = !by_frame || takes_words_alone(to, kind);
                assert_eq!(losses.caption_apart, said && arrives && apart && !by_upload, "{case}");
                assert!(!losses.fields.contains(&Field::Body), "{case}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 25 * 3, "only {seen} messages");
}
