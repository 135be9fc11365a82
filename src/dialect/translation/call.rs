//! One HTTP call by itself. In: its method, path and JSON body. Out: what it says, with what its path names; or the fault.

use crate::event::{Field, Fields};
use crate::fault::{Fault, Reason};

use super::super::model::{Call, Dialect, Request};

impl Dialect {
    /// What a call says. The first call of the file whose method and path fit is meant, as a gateway would have it where
    /// no role decides. Forms with files are not read here.
    pub fn understand_call<'a>(&'a self, method: &str, path: &'a str, body: &'a str) -> Result<Fields<'a>, Fault> {
        let (call, parameters) = self.called(method, path)?;
        let mut fields = match &call.request {
            Request::Json(set) => set.read(body)?.fields,
            Request::Empty => Fields::new(),
            Request::Multipart { .. } => {
                return Err(Fault::new(Reason::NotSupported).detail("a form with a file cannot be read here"));
            }
        };
        for (field, text) in parameters.into_iter().filter_map(|(name, text)| Some((Field::parse(name)?, text))) {
            fields.set_text(field, text);
        }
        Ok(fields)
    }

    /// The call that is meant, if there is one.
    pub fn call_at<'a>(&'a self, method: &str, path: &'a str) -> Option<&'a Call> {
        self.called(method, path).ok().map(|(call, _)| call)
    }

    fn called<'a>(&'a self, method: &str, path: &'a str) -> Result<(&'a Call, Parameters<'a>), Fault> {
        let of_path = || self.calls.iter().filter_map(|call| Some((call, parameters(call, path)?)));
        of_path().find(|(call, _)| call.method == method).ok_or_else(|| {
            let detail = match of_path().next() {
                Some((call, _)) => format!("this path takes {}", call.method),
                None => "no call has this path".to_owned(),
            };
            Fault::new(Reason::NotFound).detail(detail)
        })
    }
}

/// Names of holes, and what stands there.
type Parameters<'a> = Vec<(&'a str, &'a str)>;

/// What stands in the holes of a call's path; `None` where the path is another.
fn parameters<'a>(call: &'a Call, path: &'a str) -> Option<Parameters<'a>> {
    call.paths.iter().find_map(|pattern| {
        let (pattern, path) = (pattern.trim_end_matches('/'), path.trim_end_matches('/'));
        let mut found = Vec::new();
        let mut segments = path.split('/');
        for wanted in pattern.split('/') {
            let segment = segments.next()?;
            match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) if !segment.is_empty() => found.push((name, segment)),
                _ if wanted == segment => {}
                _ => return None,
            }
        }
        segments.next().is_none().then_some(found)
    })
}
