//! The program as the tests drive it: what a third party's binary is, too.

fn main() -> std::process::ExitCode {
    aam_cli::main()
}
