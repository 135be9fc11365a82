//! One line of the log. In: an event, and what its task is at work on. Out: a JSON object with all of it side by side, or a
//! line for people.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::trace;

/// For programs: `{"timestamp", "level", "target", "message", …}`; the labels of the task stand beside the event's own
/// fields, which win where both have a name.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Map::new();
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        line.insert("timestamp".to_owned(), timestamp.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        event.record(&mut Members(&mut line));
        trace::each_label(|name, value| {
            line.entry(name).or_insert_with(|| value.into());
        });
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// The fields of an event as members of an object.
struct Members<'a>(&'a mut Map<String, Value>);

impl Members<'_> {
    fn set(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}

/// For people: time, level, target, words, fields, and the labels at the end.
pub(super) struct Text(Format);

impl Text {
    pub(super) fn new(colour: bool) -> Self {
        Text(Format::default().with_ansi(colour))
    }
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        write!(writer, "{}", line.trim_end_matches('\n'))?;
        let own = event.metadata().fields();
        let mut written = Ok(());
        trace::each_label(|name, value| {
            if own.field(name).is_none() {
                written = written.and_then(|()| write!(writer, " {name}={value}"));
            }
        });
        written?;
        writer.write_char('\n')
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::trace::{RequestId, Scope, Span};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Kept;

        fn make_writer(&self) -> Kept {
            self.clone()
        }
    }

    fn said<E>(format: E, say: impl FnOnce()) -> String
    where
        E: FormatEvent<tracing_subscriber::Registry, tracing_subscriber::fmt::format::DefaultFields>
            + Send
            + Sync
            + 'static,
    {
        let kept = Kept::default();
        let lines = tracing_subscriber::fmt::layer().event_format(format).with_writer(kept.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), say);
        let bytes = kept.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    fn at_work(say: impl FnOnce()) -> String {
        let scope = Scope::new(RequestId::new(), [192, 0, 2, 7].into(), &Span::NONE);
        let id = scope.request().as_str().to_owned();
        scope.say_route(&"staff".into());
        scope.within(say);
        id
    }

    #[test]
    fn json_has_all_of_it_side_by_side_and_nothing_twice() {
        let mut id = String::new();
        let line = said(Json, || {
            id = at_work(|| tracing::warn!(route = "own", count = 3, slow = true, name = %"a\"b\nc", "it is \"late\""));
        });
        assert_eq!(line.lines().count(), 1, "{line}");
        let mut object: Value = serde_json::from_str(&line).expect("JSON");
        let timestamp = object["timestamp"].take();
        assert!(timestamp.as_str().is_some_and(|text| text.ends_with('Z') && text.contains('T')), "{timestamp}");
        assert_eq!(line.matches("\"route\"").count(), 1, "{line}");
        let expected = serde_json::json!({
            "timestamp": null, "level": "WARN", "target": module_path!(), "message": "it is \"late\"", "route": "own",
            "count": 3, "slow": true, "name": "a\"b\nc", "request_id": id, "client": "192.0.2.7",
        });
        assert_eq!(object, expected);
    }

    #[test]
    fn text_ends_with_the_labels() {
        let mut id = String::new();
        let line = said(Text::new(false), || id = at_work(|| tracing::info!(count = 3, "it is late")));
        assert!(
            line.ends_with(&format!(": it is late count=3 request_id={id} client=192.0.2.7 route=staff\n")),
            "{line}"
        );
        let line = said(Text::new(false), || tracing::info!("nobody asked"));
        assert!(line.ends_with(": nobody asked\n"), "{line}");
    }
}
