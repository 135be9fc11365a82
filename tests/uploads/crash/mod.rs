//! A gateway that is killed (SIGKILL) while it takes uploads, to a folder, a bucket and both: at any moment of their life,
//! as soon as their bytes are whole in the store, and held exactly between that and their record. Afterwards each file is
//! there and known, or neither; what a client was told is there; what is nobody's is found by `dragoman uploads gc`.

mod between;
mod kept;
mod parts;
mod spread;

/// How many kills a test does: `usual`, or what the environment says for a long run.
#[allow(clippy::disallowed_methods, reason = "a test is not configured by a file")]
fn kills(usual: usize) -> usize {
    std::env::var("DRAGOMAN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
