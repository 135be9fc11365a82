//! A token to try things with. In: a route of the config and who the bearer is to be. Out: a JSON Web Token that the route takes.

use std::time::Duration;

use clap::Args;

use crate::auth::{Auth, JwtSettings, Principal};
use crate::cli::settings::ConfigArguments;
use crate::cli::{Console, Exit};
use crate::config::{Config, Route, duration};
use crate::event::Role;

#[derive(Debug, Args)]
pub(super) struct Mint {
    #[command(flatten)]
    config: ConfigArguments,
    /// The route that will take the token
    #[arg(long, value_name = "NAME", required = true)]
    route: Option<String>,
    /// The id of the bearer
    #[arg(long, value_name = "ID", required = true)]
    sub: Option<String>,
    /// staff, guest, visitor, agent, admin, store, user, bot, system, or a role of the route's own
    #[arg(long)]
    role: Option<String>,
    /// What others see
    #[arg(long)]
    name: Option<String>,
    /// A department whose conversations the bearer sees; may be repeated
    #[arg(long, value_name = "NAME")]
    department: Vec<String>,
    #[arg(long, value_name = "ID")]
    business: Option<String>,
    /// A conversation that the bearer is confined to; may be repeated
    #[arg(long, value_name = "ID")]
    conversation: Vec<String>,
    /// How long the token is good for
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = lifetime)]
    ttl: Duration,
}

fn lifetime(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        short if short < Duration::from_secs(1) => Err("at least 1s".to_owned()),
        lifetime => Ok(lifetime),
    }
}

pub(super) fn run(arguments: &Mint, console: &mut Console) -> Exit {
    let loaded = match arguments.config.load(&[], console) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    match mint(arguments, &loaded.config) {
        Ok(token) => {
            console.data(&format_args!("{token}\n"));
            Exit::Fine
        }
        Err((exit, message)) => {
            console.error(&message);
            exit
        }
    }
}

fn mint(arguments: &Mint, config: &Config) -> Result<String, (Exit, String)> {
    // Where no subcommand is, the parser asks for both.
    let (Some(route), Some(subject)) = (&arguments.route, &arguments.sub) else {
        return Err((Exit::Usage, "`--route` and `--sub` are wanted".to_owned()));
    };
    let settings = settings(find(route, config)?)?;
    let principal = Principal {
        role: arguments.role.as_deref().map(|name| role(name, settings)).transpose()?,
        name: arguments.name.clone(),
        departments: arguments.department.clone(),
        business: arguments.business.clone(),
        conversations: arguments.conversation.clone(),
        ..Principal::named(subject.as_str())
    };
    settings
        .mint(&principal, arguments.ttl)
        .map_err(|error| (Exit::Failed, format!("route `{route}`: {error}; ask whoever has it")))
}

fn find<'a>(name: &str, config: &'a Config) -> Result<&'a Route, (Exit, String)> {
    config.routes.iter().find(|route| &*route.name == name).ok_or_else(|| {
        let names: Vec<&str> = config.routes.iter().map(|route| &*route.name).collect();
        (Exit::Usage, format!("there is no route `{name}`; there are {}", names.join(", ")))
    })
}

fn settings(route: &Route) -> Result<&JwtSettings, (Exit, String)> {
    let why = match &route.auth {
        Auth::Jwt(settings) => return Ok(settings),
        Auth::Tokens(_) => "knows its callers by the fixed tokens of the config: present one of those",
        Auth::Upstream => "lets its upstream decide: get a token there",
        Auth::None { .. } => "asks for no token",
    };
    Err((Exit::Failed, format!("route `{}` {why}", route.name)))
}

fn role(name: &str, settings: &JwtSettings) -> Result<Role, (Exit, String)> {
    settings.roles.get(name).copied().or_else(|| Role::parse(name)).ok_or_else(|| {
        let own = settings.roles.keys().map(String::as_str);
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).chain(own).collect();
        (Exit::Usage, format!("`{name}` is not a role; known: {}", known.join(", ")))
    })
}
