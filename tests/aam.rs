//! The program as the tests drive it: what a third party's binary is, too.

#[global_allocator]
static ALLOCATOR: aam_cli::Allocator = aam_cli::Allocator;

fn main() -> std::process::ExitCode {
    aam_cli::main()
}
