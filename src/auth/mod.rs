//! Credentials in, parties out. In: what a client presented and a route's settings. Out: a [`Principal`], or a refusal
//! that says nothing about the credential. Nothing here prints or compares a secret in the clear.

mod claims;
mod jwks;
mod jwt;
mod party;
mod rate;
mod revoked;
mod settings;
mod signer;
#[cfg(test)]
mod tests;
mod tokens;
mod verifier;
mod visitor;

pub use crate::secret::Secret;
pub use jwt::MintError;
pub use party::Principal;
pub use rate::RateLimit;
pub use revoked::{Kind, Revocation, Revocations, RevokeError, Standing, Wanted, digest};
pub use settings::{Algorithm, Auth, BadKey, ClaimNames, JwtKey, JwtSettings, Login, StaticToken};
pub use signer::{Signer, sign};
pub use verifier::{LONGEST_CREDENTIAL, Presented, Verifier};
pub use visitor::Visitors;
