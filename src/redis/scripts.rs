//! Lua that runs within the server, in one step. Loaded when a connection is made, then called by its digest.

use std::sync::LazyLock;

use ::redis::Cmd;

/// A script of ours.
pub struct Script {
    text: &'static str,
    digest: LazyLock<String, Box<dyn FnOnce() -> String + Send + Sync>>,
}

impl Script {
    pub fn new(text: &'static str) -> Self {
        let digest = Box::new(move || ::redis::Script::new(text).get_hash().to_owned()) as Box<_>;
        Script { text, digest: LazyLock::new(digest) }
    }

    /// `SCRIPT LOAD` of it.
    pub(super) fn load(&self) -> Cmd {
        let mut command = ::redis::cmd("SCRIPT");
        command.arg("LOAD").arg(self.text);
        command
    }

    /// A call with these keys; arguments follow.
    pub fn call(&self, keys: &[&str]) -> Cmd {
        let mut command = ::redis::cmd("EVALSHA");
        command.arg(self.digest.as_str()).arg(keys.len()).arg(keys);
        command
    }
}
