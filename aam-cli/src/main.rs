//! The program `aam` with the built-in components.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: aam_cli::Allocator = aam_cli::Allocator;

fn main() -> ExitCode {
    aam_cli::main()
}
