//! The kinds of problems, by stable names: for scripts that read what `check` says, and for `[check] allow`. Each is
//! described in docs/configuration.md.

/// What kind of problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The file cannot be read.
    File,
    /// The file is not TOML.
    Syntax,
    UnknownKey,
    Missing,
    /// A text where a number is wanted, and the like.
    Type,
    /// The right type, and not a value that can be used.
    Value,
    /// A name that names nothing.
    Reference,
    Duplicate,
    /// Two settings that exclude each other.
    Conflict,
    /// A `${NAME}` that is not set.
    Environment,
    /// A mistake in a dialect file.
    Dialect,
    /// A test of the config fails.
    Test,
    /// A secret that everybody knows: a warning while only this machine can connect.
    WellKnownSecret,
    /// A secret that can be guessed: an error where it signs what all replicas believe.
    ShortSecret,
    /// Strangers are let in.
    NoAuth,
    /// Pages of any site may connect.
    AnyOrigin,
    /// Others than this machine reach what is for operators.
    PublicAdmin,
    /// Tokens that were made for somebody else.
    AnyAudience,
    /// Tokens that never end.
    NoExpiry,
    /// A credential or a file on its way in the clear.
    ClearText,
    /// Paths of a route that an earlier one takes.
    Shadowed,
    /// An upstream that calls back and has no address to call.
    Unheard,
    /// Something that nothing else uses.
    Unused,
    /// A promise that is switched off.
    Unpromised,
}

impl Code {
    pub const ALL: &[Code] = &[
        Code::File,
        Code::Syntax,
        Code::UnknownKey,
        Code::Missing,
        Code::Type,
        Code::Value,
        Code::Reference,
        Code::Duplicate,
        Code::Conflict,
        Code::Environment,
        Code::Dialect,
        Code::Test,
        Code::WellKnownSecret,
        Code::ShortSecret,
        Code::NoAuth,
        Code::AnyOrigin,
        Code::PublicAdmin,
        Code::AnyAudience,
        Code::NoExpiry,
        Code::ClearText,
        Code::Shadowed,
        Code::Unheard,
        Code::Unused,
        Code::Unpromised,
    ];

    /// As it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::File => "config::file",
            Code::Syntax => "config::syntax",
            Code::UnknownKey => "config::unknown_key",
            Code::Missing => "config::missing",
            Code::Type => "config::type",
            Code::Value => "config::value",
            Code::Reference => "config::reference",
            Code::Duplicate => "config::duplicate",
            Code::Conflict => "config::conflict",
            Code::Environment => "config::environment",
            Code::Dialect => "config::dialect",
            Code::Test => "config::test",
            Code::WellKnownSecret => "config::well_known_secret",
            Code::ShortSecret => "config::short_secret",
            Code::NoAuth => "config::no_auth",
            Code::AnyOrigin => "config::any_origin",
            Code::PublicAdmin => "config::public_admin",
            Code::AnyAudience => "config::any_audience",
            Code::NoExpiry => "config::no_expiry",
            Code::ClearText => "config::clear_text",
            Code::Shadowed => "config::shadowed",
            Code::Unheard => "config::unheard",
            Code::Unused => "config::unused",
            Code::Unpromised => "config::unpromised",
        }
    }

    /// Whether it can be a warning, which an operator may allow; all others are always errors.
    pub const fn can_warn(self) -> bool {
        match self {
            Code::File
            | Code::Syntax
            | Code::UnknownKey
            | Code::Missing
            | Code::Type
            | Code::Value
            | Code::Reference
            | Code::Duplicate
            | Code::Conflict
            | Code::Environment
            | Code::Dialect
            | Code::Test => false,
            Code::WellKnownSecret
            | Code::ShortSecret
            | Code::NoAuth
            | Code::AnyOrigin
            | Code::PublicAdmin
            | Code::AnyAudience
            | Code::NoExpiry
            | Code::ClearText
            | Code::Shadowed
            | Code::Unheard
            | Code::Unused
            | Code::Unpromised => true,
        }
    }

    /// As it is allowed: `any_origin`.
    pub fn name(self) -> &'static str {
        self.as_str().trim_start_matches("config::")
    }

    /// By its name, or as it is shown.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim_start_matches("config::");
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}
