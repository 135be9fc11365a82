//! The binary. In: the command line. Out: an exit code; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    dragoman::cli::main()
}
