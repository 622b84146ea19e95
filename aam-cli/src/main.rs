//! The program `aam` with the built-in components.

use std::process::ExitCode;

fn main() -> ExitCode {
    aam_cli::main()
}
