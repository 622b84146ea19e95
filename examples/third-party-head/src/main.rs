use aam_head_cosine as _;

fn main() -> std::process::ExitCode {
    aam_cli::main()
}
