use aam_head_cosine as _;

#[global_allocator]
static ALLOCATOR: aam_cli::Allocator = aam_cli::Allocator;

fn main() -> std::process::ExitCode {
    aam_cli::main()
}
