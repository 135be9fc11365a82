//! The config of the demo: the built-in default, listening on free ports, in a folder of its own, with secrets that end
//! with it. In: a folder. Out: a checked config, and the tokens that its clients present.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use uuid::Uuid;

use super::failure::Failure;
use super::script::ClientScript;
use crate::auth::{Auth, Principal, Secret};
use crate::config::{self, Config, DEFAULT_TEXT, Inputs, Loaded, Problems, Route};
use crate::delivery::WebhookSettings;
use crate::dialect::builtin;
use crate::event::Role;

/// The secrets of the default config; it names no others.
const SECRETS: [&str; 3] = ["DRAGOMAN_JWT_SECRET", "DRAGOMAN_API_KEY", "DRAGOMAN_ACCESS_TOKEN"];

/// How long the tokens are good for; the demo is over in seconds.
const LIFETIME: Duration = Duration::from_secs(600);

/// The default config for this folder. The environment of the process has no say: the demo is the same everywhere.
pub fn load(folder: &Path) -> Result<Config, Problems> {
    let flag = |path: &str, value: String| (path.to_owned(), value);
    let inside = |name: &str| folder.join(name).display().to_string();
    let inputs = Inputs {
        file: None,
        environment: SECRETS.iter().map(|name| ((*name).to_owned(), secret())).collect(),
        flags: vec![
            flag("server.listen", "127.0.0.1:0".to_owned()),
            flag("server.admin", "off".to_owned()),
            flag("journal.path", inside("journal")),
            flag("stores.local.root", inside("uploads")),
        ],
    };
    config::check("routes.toml (built in)", DEFAULT_TEXT, folder, &inputs, builtin::BUILTIN)
        .map(|Loaded { config, .. }| config)
}

/// 244 random bits, which is longer than any algorithm of the default asks for.
fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// The route that speaks this dialect.
pub fn route<'c>(config: &'c Config, dialect: &str) -> Result<&'c Route, Failure> {
    config
        .routes
        .iter()
        .find(|route| &*route.dialect.name == dialect)
        .ok_or_else(|| Failure::NoRoute(dialect.to_owned()))
}

/// Lets the route of this dialect call an app at `url`.
pub fn tell(config: &mut Config, dialect: &str, url: &str) -> Result<(), Failure> {
    let settings = WebhookSettings { url: url.parse().map_err(Failure::other)?, key: Secret::new(secret()) };
    let route = config.routes.iter_mut().find(|route| &*route.dialect.name == dialect);
    route.ok_or_else(|| Failure::NoRoute(dialect.to_owned()))?.events = Some(settings);
    Ok(())
}

/// What a client presents, by the name that the script has for it: `token`, and where a dialect has several credentials
/// the others by theirs.
pub fn credentials(route: &Route, script: &ClientScript) -> Result<BTreeMap<String, String>, Failure> {
    match &route.auth {
        Auth::Jwt(settings) => {
            let principal = script.token.as_ref().map(|token| Principal {
                role: Role::parse(&token.role),
                name: token.name.clone(),
                departments: token.department.iter().cloned().collect(),
                business: token.business.clone(),
                ..Principal::named(token.sub.as_str())
            });
            let principal = principal.ok_or_else(|| Failure::NoToken(script.dialect.clone()))?;
            let token = settings.mint(&principal, LIFETIME).map_err(Failure::other)?;
            Ok(BTreeMap::from([("token".to_owned(), token)]))
        }
        Auth::Tokens(tokens) => Ok(tokens
            .iter()
            .map(|token| {
                let name = token.credential.clone().unwrap_or_else(|| "token".to_owned());
                (name, token.token.expose().to_owned())
            })
            .collect()),
        Auth::Upstream | Auth::None { .. } => Err(Failure::NoToken(script.dialect.clone())),
    }
}
