//! Which route and which part of its dialect a request is for. In: host, method, path. Out: a call, a socket, a stored
//! file; or why nothing fits, with the route in whose words that is said.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::route::Route;

/// What a path leads to.
pub enum Target {
    /// Calls of one path and method, in order of the file, and the path's parameters.
    Calls {
        calls: Vec<usize>,
        parameters: Vec<String>,
    },
    Socket(usize),
    /// The key of a file, and other routes that could have it: dialects may serve files below the same path.
    File {
        key: String,
        elsewhere: Vec<(Arc<Route>, String)>,
    },
    /// Nothing that the dialect knows, and the route passes it on.
    Rest,
    /// The path is there, with other methods.
    Method {
        allowed: String,
    },
}

/// Where a request goes.
pub struct Found {
    pub route: Arc<Route>,
    pub target: Target,
}

/// All routes, in order of the file.
pub struct Table(Vec<Entry>);

struct Entry {
    route: Arc<Route>,
    calls: matchit::Router<Vec<usize>>,
    sockets: matchit::Router<usize>,
}

impl Table {
    pub fn new(routes: Vec<Route>) -> Self {
        Table(routes.into_iter().map(Entry::new).collect())
    }

    /// The first route that has this path. A path is compared decoded, with or without a slash at its end.
    pub fn find(&self, host: &str, method: &str, path: &str) -> Result<Found, Option<Arc<Route>>> {
        let mut nearest = None;
        let mut other_method = None;
        let mut rest_of = None;
        for entry in self.0.iter().filter(|entry| entry.is_at(host)) {
            let Some(rest) = entry.below(path) else { continue };
            match entry.find(method, rest) {
                Some(Target::File { key, .. }) => {
                    let elsewhere =
                        self.files(host, method, path).filter(|(other, _)| !Arc::ptr_eq(other, &entry.route));
                    let target = Target::File { key, elsewhere: elsewhere.collect() };
                    return Ok(Found { route: Arc::clone(&entry.route), target });
                }
                Some(target @ Target::Method { .. }) if other_method.is_none() => {
                    other_method = Some(Found { route: Arc::clone(&entry.route), target });
                }
                Some(Target::Method { .. }) => {}
                Some(target) => return Ok(Found { route: Arc::clone(&entry.route), target }),
                None if rest_of.is_none() && entry.route.rest().is_some() => {
                    rest_of = Some(Found { route: Arc::clone(&entry.route), target: Target::Rest });
                }
                None if nearest.is_none() && !entry.route.prefix.is_empty() => nearest = Some(Arc::clone(&entry.route)),
                None => {}
            }
        }
        // A lone route answers for whatever comes to it.
        other_method
            .or(rest_of)
            .ok_or_else(|| nearest.or_else(|| (self.0.len() == 1).then(|| Arc::clone(&self.0[0].route))))
    }

    /// Every route that could have the file of this path.
    fn files(&self, host: &str, method: &str, path: &str) -> impl Iterator<Item = (Arc<Route>, String)> {
        self.0.iter().filter(|entry| entry.is_at(host)).filter_map(|entry| {
            match entry.find(method, entry.below(path)?) {
                Some(Target::File { key, .. }) => Some((Arc::clone(&entry.route), key)),
                _ => None,
            }
        })
    }
}

impl Entry {
    fn is_at(&self, host: &str) -> bool {
        self.route.host.as_deref().is_none_or(|name| is_host(name, host))
    }

    /// The path below the route's prefix.
    fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(self.route.prefix.as_str()).filter(|rest| rest.starts_with('/'))
    }

    fn new(route: Route) -> Self {
        let mut by_pattern: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, call) in route.dialect.calls.iter().enumerate() {
            for path in &call.paths {
                by_pattern.entry(pattern(path)).or_default().push(at);
            }
        }
        let (mut calls, mut sockets) = (matchit::Router::new(), matchit::Router::new());
        for (pattern, list) in by_pattern {
            // Of two patterns that clash the first stands.
            drop(calls.insert(pattern, list));
        }
        for (at, socket) in route.dialect.sockets.iter().enumerate() {
            for path in &socket.paths {
                drop(sockets.insert(pattern(path), at));
            }
        }
        Entry { route: Arc::new(route), calls, sockets }
    }

    fn find(&self, method: &str, path: &str) -> Option<Target> {
        let trimmed = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
        if let Ok(found) = self.sockets.at(trimmed) {
            return Some(Target::Socket(*found.value));
        }
        let dialect = &self.route.dialect;
        if let Ok(found) = self.calls.at(trimmed) {
            let of_method = |at: &&usize| dialect.calls[**at].method == method;
            let calls: Vec<usize> = found.value.iter().filter(of_method).copied().collect();
            if calls.is_empty() {
                let mut allowed: Vec<&str> = found.value.iter().map(|at| dialect.calls[*at].method.as_str()).collect();
                allowed.dedup();
                return Some(Target::Method { allowed: allowed.join(", ") });
            }
            let parameters = found.params.iter().map(|(_, value)| value.to_owned()).collect();
            return Some(Target::Calls { calls, parameters });
        }
        let public = dialect.storage.public.as_str();
        let key = path.strip_prefix(public).filter(|key| !public.is_empty() && !key.is_empty())?;
        match method {
            "GET" | "HEAD" => Some(Target::File { key: key.to_owned(), elsewhere: Vec::new() }),
            _ => Some(Target::Method { allowed: "GET, HEAD".to_owned() }),
        }
    }
}

/// The dialect's path with numbered parameters (fields have dots, which patterns do not need), without its last slash.
fn pattern(path: &str) -> String {
    let trimmed = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
    let mut out = String::new();
    let mut number = 0;
    let mut rest = trimmed;
    while let Some((plain, after)) = rest.split_once('{') {
        out.push_str(plain);
        out.push_str(&format!("{{p{number}}}"));
        number += 1;
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}

/// Whether a host is the one named, or below it where the name begins with `*.`.
fn is_host(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
        None => name == host,
    }
}

/// The fields that a path's parameters fill, in order.
pub fn parameter_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}
