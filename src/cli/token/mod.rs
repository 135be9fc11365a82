//! `dragoman token`. In: who a token is for, or which one is not good any more. Out: a token that a route takes; or a gateway
//! that refuses it from now on.

mod mint;
mod revoke;

use clap::{Args, Subcommand};

use super::{Console, Exit};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  dragoman token --route staff --sub ann --role staff --department reception
  curl -H \"Authorization: Bearer $(dragoman token --route shops --sub 7 --role store)\" …
  dragoman token revoke --sub ann                          every token of hers until now
  dragoman token revoke --jti 7f3a --for 12h               one token, whose id is known and that ends by then
  dragoman token revoke --token-file leaked.txt            one that was found; - is the standard input
  dragoman token revoked
  dragoman token restore 6b86b273ff34fce19d6b804eff5a3f57"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    mint: mint::Mint,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Refuses a token, or all of a principal, from now on: calls at once, open sockets within seconds, on all replicas
    Revoke(revoke::Revoke),
    /// Takes a revocation back
    Restore(revoke::Restore),
    /// Lists what is revoked
    Revoked(revoke::Revoked),
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    match &arguments.command {
        Some(Command::Revoke(wanted)) => revoke::revoke(wanted, console),
        Some(Command::Restore(wanted)) => revoke::restore(wanted, console),
        Some(Command::Revoked(wanted)) => revoke::revoked(wanted, console),
        None => mint::run(&arguments.mint, console),
    }
}
