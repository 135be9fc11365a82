//! The arguments that name a config, shared by every command that needs one. In: `--config`. Out: a checked config; or
//! every problem said.

use std::path::PathBuf;

use clap::Args;

use super::{Console, Exit};
use crate::config::{self, AdminPlace, Inputs, Loaded, Problems};
use crate::dialect::builtin;

#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// The config; without it `routes.toml` here, or else the built-in default
    #[arg(short, long, global = true, value_name = "FILE", env = "DRAGOMAN_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArguments {
    /// What is said where no file was named and none is there.
    pub const TAKES_DEFAULT: &str = "no routes.toml here: taking the built-in default\n";

    /// The same, read and checked without a word.
    pub fn read(&self, flags: &[(&str, String)]) -> Result<Loaded, Problems> {
        let mut inputs = Inputs::of_process(self.config.clone());
        inputs.flags = flags.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        config::load(&inputs, builtin::BUILTIN)
    }

    /// Where the admin listener is, whatever else is wrong with the config.
    pub fn admin_place(&self) -> Result<AdminPlace, Problems> {
        config::admin_place(&Inputs::of_process(self.config.clone()))
    }

    /// Loads the config with settings of the command line on top, as `("server.listen", "127.0.0.1:0")`.
    pub fn load(&self, flags: &[(&str, String)], console: &mut Console) -> Result<Loaded, Exit> {
        match self.read(flags) {
            Ok(loaded) => {
                if loaded.is_default {
                    console.talk(&Self::TAKES_DEFAULT);
                }
                Ok(loaded)
            }
            Err(problems) => {
                console.talk(&problems.render(console.colour()));
                Err(Exit::Config)
            }
        }
    }
}
