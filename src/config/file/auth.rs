//! `auth` of a route: how it knows its callers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::node::{Place, Value};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::key_set;
use crate::auth::{Algorithm, Auth, ClaimNames, JwtKey, JwtSettings, Login, Secret, StaticToken};
use crate::event::Role;

/// What starts like this was printed in our own documentation.
const WELL_KNOWN: &str = "well-known-";

/// How a route knows its callers, and which of its secrets everybody knows.
#[derive(Debug)]
pub(in crate::config) struct WrittenAuth {
    pub auth: Auth,
    /// Where its kind stands.
    pub place: Place,
    pub well_known: Vec<Place>,
    /// Where its keys are published, if they are.
    pub published: Option<Place>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Jwt,
    Tokens,
    Upstream,
    None,
}

pub(super) const KINDS: &[(&str, Kind)] =
    &[("jwt", Kind::Jwt), ("tokens", Kind::Tokens), ("upstream", Kind::Upstream), ("none", Kind::None)];

pub(super) fn read(section: Section<'_>) -> Option<WrittenAuth> {
    if !section.has("kind") {
        section.missing(
            "kind",
            "one of jwt, tokens, upstream, none, as in `auth = { kind = \"jwt\", secret = \"${JWT_SECRET}\" }`",
        );
    }
    let kind = section.word("kind", KINDS)?;
    let (mut well_known, mut published) = (Vec::new(), None);
    let auth = match kind.value {
        Kind::Jwt => jwt(&section, &mut well_known).map(|(settings, place)| {
            published = place;
            Auth::Jwt(Box::new(settings))
        }),
        Kind::Tokens => tokens(&section, &mut well_known).map(Auth::Tokens),
        Kind::Upstream => Some(Auth::Upstream),
        Kind::None => Some(Auth::None { named: section.boolean("named").unwrap_or(false), role: role(&section) }),
    };
    if auth.is_some() {
        section.finish();
    }
    Some(WrittenAuth { auth: auth?, place: kind.place, well_known, published })
}

pub(super) fn role(section: &Section<'_>) -> Option<Role> {
    let roles: Vec<(&str, Role)> = Role::ALL.iter().map(|role| (role.as_str(), *role)).collect();
    section.word("role", &roles).map(|role| role.value)
}

fn jwt(section: &Section<'_>, well_known: &mut Vec<Place>) -> Option<(JwtSettings, Option<Place>)> {
    let published = key_set::read(section)?;
    let algorithm = algorithm(section)?;
    let secret = section.secret("secret", "secret_file");
    let public = section.secret("public_key", "public_key_file");
    let key = match &published {
        Some(set) => key_set::key(section, set, [&secret, &public]),
        None => key(section, algorithm, secret, public, well_known),
    };
    let settings = JwtSettings {
        audience: values(section, "audience"),
        issuer: values(section, "issuer"),
        leeway: section.duration("leeway").unwrap_or(Duration::from_secs(10)),
        require_expiry: require_expiry(section),
        claims: section.section("claims").map(claims).unwrap_or_default(),
        roles: roles(section),
        role: role(section),
        key: key.as_ref()?.value.clone(),
    };
    if let Some(set) = published.as_ref().filter(|_| settings.audience.is_empty()) {
        let message = "tokens that this provider made for other apps are taken, too";
        let help = Some("write `audience = \"…\"`: what this gateway is called there".to_owned());
        section.report().warning(Code::AnyAudience, &set.place, message, help);
    }
    // Whether a key fits is for the verifier to say.
    match settings.key.check() {
        Ok(()) => Some((settings, published.map(|set| set.place))),
        Err(error) => {
            section.report().error(Code::Value, &key?.place, error.to_string(), None);
            None
        }
    }
}

/// The one that is named; HS256 where none is.
pub(super) fn algorithm(section: &Section<'_>) -> Option<Algorithm> {
    let known: Vec<(&str, Algorithm)> = Algorithm::ALL.iter().map(|known| (known.as_str(), *known)).collect();
    match section.has("algorithm") {
        true => section.word("algorithm", &known).map(|algorithm| algorithm.value),
        false => Some(Algorithm::Hs256),
    }
}

/// Whether a token must say when it ends.
fn require_expiry(section: &Section<'_>) -> bool {
    let required = section.boolean("require_expiry").unwrap_or(true);
    if !required {
        let message = "a token without `exp` is good for ever, whoever got hold of it";
        let help = Some("let what makes the tokens put an `exp` in them, and take this out".to_owned());
        section.report().warning(Code::NoExpiry, &section.key_place("require_expiry"), message, help);
    }
    required
}

fn key(
    section: &Section<'_>,
    algorithm: Algorithm,
    secret: Option<Spanned<Secret>>,
    public: Option<Spanned<Secret>>,
    well_known: &mut Vec<Place>,
) -> Option<Spanned<JwtKey>> {
    let report = section.report();
    let name = algorithm.as_str();
    match (algorithm.is_shared(), secret, public) {
        (true, Some(secret), None) => {
            judge(section, &secret, algorithm.shortest_secret(), well_known);
            Some(Spanned { place: secret.place, value: JwtKey::Shared(algorithm, secret.value) })
        }
        (false, None, Some(public)) => {
            Some(Spanned { place: public.place, value: JwtKey::Public(algorithm, public.value.expose().to_owned()) })
        }
        (true, _, Some(public)) => {
            let help = "write `secret`, or the `algorithm` that this key is for: RS256, ES256 or EdDSA";
            report.error(Code::Conflict, &public.place, format!("{name} has no public key"), Some(help.to_owned()));
            None
        }
        (false, Some(secret), _) => {
            let help = "write `public_key_file = \"key.pem\"`, or `algorithm = \"HS256\"`";
            report.error(Code::Conflict, &secret.place, format!("{name} has no shared secret"), Some(help.to_owned()));
            None
        }
        (true, None, None) if !section.has("secret") && !section.has("secret_file") => {
            section.missing(
                "secret",
                "what the tokens are signed with: `secret = \"${JWT_SECRET}\"` or `secret_file = \"…\"`",
            );
            None
        }
        (false, None, None) if !section.has("public_key") && !section.has("public_key_file") => {
            section.missing(
                "public_key",
                &format!("what {name} tokens are checked with: `public_key_file = \"key.pem\"`, or `jwks_url`"),
            );
            None
        }
        // Noted already: it could not be read.
        (_, None, None) => None,
    }
}

/// Notes secrets that can be known or guessed.
pub(super) fn judge(section: &Section<'_>, secret: &Spanned<Secret>, shortest: usize, well_known: &mut Vec<Place>) {
    if secret.value.expose().starts_with(WELL_KNOWN) {
        well_known.push(secret.place.clone());
    } else if secret.value.expose().len() < shortest {
        let message = format!("this secret is shorter than {shortest} bytes and can be guessed");
        let help = Some("make one with `openssl rand -base64 48`".to_owned());
        section.report().warning(Code::ShortSecret, &secret.place, message, help);
    }
}

fn values(section: &Section<'_>, key: &'static str) -> Vec<String> {
    section.texts(key).into_iter().map(|text| text.value).collect()
}

fn claims(section: Section<'_>) -> ClaimNames {
    let mut names = ClaimNames::default();
    let fields = [
        ("sub", &mut names.subject),
        ("role", &mut names.role),
        ("name", &mut names.name),
        ("department", &mut names.department),
        ("business", &mut names.business),
        ("conversations", &mut names.conversations),
    ];
    for (key, name) in fields {
        if let Some(text) = section.text(key) {
            *name = text.value;
        }
    }
    section.finish();
    names
}

/// `roles = { department_staff = "staff" }`: what the claim says, and which role that is.
fn roles(section: &Section<'_>) -> BTreeMap<String, Role> {
    let Some(node) = section.node("roles") else { return BTreeMap::new() };
    let Value::Table(members) = &node.value else {
        let message = format!("`roles` is {}, wanted a table", node.value.type_name());
        section.report().error(Code::Type, &node.place, message, None);
        return BTreeMap::new();
    };
    let mut roles = BTreeMap::new();
    for (claim, node) in members {
        let role = match &node.value {
            Value::Text(text) => Role::parse(text),
            _ => None,
        };
        match role {
            Some(role) => {
                roles.insert(claim.clone(), role);
            }
            None => {
                let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
                let help = Some(format!("known: {}", known.join(", ")));
                section.report().error(Code::Value, &node.place, format!("`{claim}` stands for no role"), help);
            }
        }
    }
    roles
}

fn tokens(section: &Section<'_>, well_known: &mut Vec<Place>) -> Option<Vec<StaticToken>> {
    const HELP: &str = "at least one, as in `tokens = [{ token = \"${API_KEY}\", party = \"app-1\" }]`";
    if !section.has("tokens") {
        section.missing("tokens", HELP);
        return None;
    }
    let list = section.list("tokens");
    if list.is_empty() {
        section.report().error(Code::Value, &section.key_place("tokens"), "`tokens` is empty", Some(HELP.to_owned()));
    }
    let mut tokens: Vec<StaticToken> = Vec::new();
    for entry in list {
        let Some((token, place)) = token(entry, well_known) else { continue };
        let same = |known: &StaticToken| known.token == token.token && known.credential == token.credential;
        if tokens.iter().any(same) {
            let help = Some("each token stands for one party".to_owned());
            section.report().error(Code::Duplicate, &place, "this token is in the list already", help);
        }
        tokens.push(token);
    }
    Some(tokens)
}

/// `login = { username = "ann", password = "${ANN_PASSWORD}" }`
fn login(section: Section<'_>, well_known: &mut Vec<Place>) -> Option<Login> {
    let username = section.needed_text("username", "the name that is logged in with, as in `username = \"ann\"`");
    if !section.has("password") && !section.has("password_file") {
        section.missing("password", "`password = \"${ANN_PASSWORD}\"` or `password_file = \"…\"`");
    }
    let password = section.secret("password", "password_file");
    if let Some(password) = &password {
        judge(&section, password, 8, well_known);
    }
    section.finish();
    Some(Login { username: username?.value, password: password?.value })
}

fn token(section: Section<'_>, well_known: &mut Vec<Place>) -> Option<(StaticToken, Place)> {
    if !section.has("token") && !section.has("token_file") {
        section.missing("token", "what the client sends: `token = \"${API_KEY}\"` or `token_file = \"…\"`");
    }
    let secret = section.secret("token", "token_file");
    if let Some(secret) = &secret {
        judge(&section, secret, 16, well_known);
    }
    let party = section.needed_text("party", "who the bearer is, as in `party = \"app-1\"`");
    let text = |key| section.text(key).map(|text| text.value);
    let token = StaticToken {
        credential: text("credential"),
        role: role(&section),
        name: text("name"),
        departments: values(&section, "department"),
        business: text("business"),
        conversations: values(&section, "conversations"),
        permissions: values(&section, "permissions"),
        login: section.section("login").and_then(|login| self::login(login, well_known)),
        token: secret.as_ref().map_or_else(|| Secret::new(""), |secret| secret.value.clone()),
        party: party.as_ref().map(|party| party.value.clone()).unwrap_or_default(),
    };
    section.finish();
    party?;
    Some((token, secret?.place))
}
