//! Ids that are the end of a URL: what a file is called where its address is known. In: a URL, or the id. Out: the id, or
//! the path of the URL.

/// The longest id, in bytes.
const LONGEST: usize = 200;

/// One of `[url_ends]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlEnd {
    pub name: String,
    /// What stands before the id in the path; begins and ends with a slash.
    pub beginning: String,
}

impl UrlEnd {
    /// The path of the URL that this id is the end of.
    pub fn path(&self, id: &str) -> Option<String> {
        is_segment(id).then(|| format!("{}{id}", self.beginning))
    }

    /// The id that a URL or path ends with; `None` where it has another beginning.
    pub fn of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let path = url.split(['?', '#']).next()?;
        path.rsplit_once(&self.beginning).map(|(_, id)| id).filter(|id| is_segment(id))
    }
}

/// One segment of a path that needs no escapes.
fn is_segment(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST && id.bytes().all(plain) && !id.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_last_segment_behind_its_beginning_and_nothing_else() {
        let end = UrlEnd { name: "file_id".to_owned(), beginning: "/api/v4/files/".to_owned() };
        assert_eq!(end.of("https://h.example/chat/api/v4/files/a1b2?x=1"), Some("a1b2"));
        assert_eq!(end.of("/api/v4/files/a1b2"), Some("a1b2"));
        assert_eq!(end.path("a1b2").as_deref(), Some("/api/v4/files/a1b2"));
        for url in ["https://h.example/media/a1b2", "/api/v4/files/", "/api/v4/files/a/b", "/api/v4/files/a%20b"] {
            assert_eq!(end.of(url), None, "{url}");
        }
        for id in ["", "..", "a/b", "a b", "é", &"a".repeat(201)] {
            assert_eq!(end.path(id), None, "{id}");
        }
    }
}
