//! `redis://…` as operators write it → settings. TLS is `rediss`; sentinels are `redis+sentinel://`, a cluster is
//! `redis-cluster://`.

use crate::percent;
use crate::secret::Secret;

use super::settings::{Endpoint, RedisSettings, Servers};

/// Where Redis listens unless said otherwise.
const PORT: u16 = 6379;
/// Where its sentinels do.
const SENTINEL_PORT: u16 = 26379;

const FORMS: &str = "wanted redis://host:6379/0, rediss://… for TLS, redis+sentinel://host:26379,host:26379/master/0, or \
                     redis-cluster://host:6379,host:6379";

/// How the servers of a URL stand together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Single,
    Sentinel,
    Cluster,
}

/// The settings that a URL gives: `redis://[user:password@]host[:port][/database]`, or
/// `redis+sentinel://[user:password@]host[:port],…/master[/database]`, or `redis-cluster://[user:password@]host[:port],…`
/// with some nodes of the cluster. The error has no part of the URL in it, which may
/// hold a password.
pub fn parse(url: &str) -> Result<RedisSettings, String> {
    let (scheme, rest) = url.split_once("://").ok_or(FORMS)?;
    let (tls, kind) = match scheme {
        "redis" => (false, Kind::Single),
        "rediss" => (true, Kind::Single),
        "redis+sentinel" => (false, Kind::Sentinel),
        "rediss+sentinel" => (true, Kind::Sentinel),
        "redis-cluster" => (false, Kind::Cluster),
        "rediss-cluster" => (true, Kind::Cluster),
        _ => return Err(FORMS.to_owned()),
    };
    if rest.contains(['?', '#']) {
        return Err(format!("a URL here has no query; timeouts and prefix are keys of [redis]; {FORMS}"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (credentials, hosts) = match authority.rsplit_once('@') {
        Some((credentials, hosts)) => (credentials, hosts),
        None => ("", authority),
    };
    let (username, password) = login(credentials)?;
    let default_port = if kind == Kind::Sentinel { SENTINEL_PORT } else { PORT };
    let mut endpoints = hosts.split(',').map(|host| endpoint(host, default_port)).collect::<Result<Vec<_>, _>>()?;
    let (servers, database) = match kind {
        Kind::Single if endpoints.len() > 1 => {
            return Err("several servers need redis+sentinel:// or redis-cluster:// before them".to_owned());
        }
        Kind::Single => (Servers::Single(endpoints.remove(0)), path),
        Kind::Sentinel => {
            let (master, database) = path.split_once('/').unwrap_or((path, ""));
            let master = percent::decode(master).filter(|name| !name.is_empty());
            let master = master.ok_or("the path must name the master, as in redis+sentinel://host:26379/mymaster")?;
            (Servers::Sentinel { sentinels: endpoints, master, username: None, password: None }, database)
        }
        Kind::Cluster if !matches!(path, "" | "0") => {
            return Err("a cluster has one database and no number of it".to_owned());
        }
        Kind::Cluster => (Servers::Cluster(endpoints), path),
    };
    let database = match database {
        "" => 0,
        number => number.parse().map_err(|_| "the path must end with the number of a database, as in /0")?,
    };
    Ok(RedisSettings { tls, username, password, database, ..RedisSettings::new(servers) })
}

fn login(credentials: &str) -> Result<(Option<String>, Option<Secret>), String> {
    let decoded = |text: &str| percent::decode(text).ok_or("user and password must be percent-encoded".to_owned());
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (user, password) = (decoded(user)?, decoded(password)?);
    Ok(((!user.is_empty()).then_some(user), (!password.is_empty()).then(|| Secret::new(password))))
}

fn endpoint(text: &str, default_port: u16) -> Result<Endpoint, String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(FORMS)?;
            (host, port.strip_prefix(':'))
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(FORMS.to_owned());
    }
    let port = match port {
        None => default_port,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or("a port is a number from 1 to 65535")?,
    };
    Ok(Endpoint { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(url: &str) -> (String, u32, bool) {
        let settings = parse(url).expect(url);
        let Servers::Single(endpoint) = settings.servers else { panic!("{url} is not one server") };
        (endpoint.to_string(), settings.database, settings.tls)
    }

    #[test]
    fn one_server() {
        assert_eq!(single("redis://cache"), ("cache:6379".to_owned(), 0, false));
        assert_eq!(single("redis://127.0.0.1:7000/3"), ("127.0.0.1:7000".to_owned(), 3, false));
        assert_eq!(single("rediss://[::1]:7000/"), ("[::1]:7000".to_owned(), 0, true));
    }

    #[test]
    fn credentials_are_decoded_and_never_shown() {
        let settings = parse("redis://chat:p%40ss@cache").expect("good");
        assert_eq!(settings.username.as_deref(), Some("chat"));
        assert_eq!(settings.password.as_ref().map(Secret::expose), Some("p@ss"));
        assert!(!format!("{settings:?}{settings}").contains("p@ss"));
        assert_eq!(parse("redis://:only@cache").expect("good").username, None);
    }

    #[test]
    fn sentinels() {
        let settings = parse("redis+sentinel://:p@one,two:7000/mymaster/2").expect("good");
        let Servers::Sentinel { sentinels, master, .. } = &settings.servers else { panic!("{settings:?}") };
        assert_eq!(sentinels.iter().map(ToString::to_string).collect::<Vec<_>>(), ["one:26379", "two:7000"]);
        assert_eq!((master.as_str(), settings.database), ("mymaster", 2));
    }

    #[test]
    fn clusters() {
        let settings = parse("rediss-cluster://:p@one,two:7000").expect("good");
        let Servers::Cluster(nodes) = &settings.servers else { panic!("{settings:?}") };
        assert_eq!(nodes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["one:6379", "two:7000"]);
        assert!(settings.tls && settings.password.is_some());
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_password() {
        for url in [
            "cache:6379",
            "http://cache",
            "redis://",
            "redis://secret-word@:6379",
            "redis://a,b",
            "redis://u:secret-word@cache:0",
            "redis://u:secret-word@cache/zero",
            "redis://u:secret-word%zz@cache",
            "redis+sentinel://u:secret-word@cache:26379",
            "redis-cluster://u:secret-word@cache/1",
            "redis://cache?protocol=resp3",
        ] {
            let error = parse(url).expect_err(url);
            assert!(!error.contains("secret-word"), "{error}");
        }
    }
}
