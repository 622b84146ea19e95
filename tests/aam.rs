//! The program that the tests run; third parties build their binaries in the same way.

#[global_allocator]
static ALLOCATOR: aam_cli::Allocator = aam_cli::Allocator;

fn main() -> std::process::ExitCode {
    aam_cli::main()
}
