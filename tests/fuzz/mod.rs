//! Parsers of untrusted bytes, as functions of bytes. Each must return quickly and without a panic.
//!
//! `fuzz/` runs them under libFuzzer, `tests/tests/fuzz.rs` on bytes that [`Mutator`] derives from the
//! seeds.

mod checkpoints;
mod mutation;
mod settings;
mod studies;

pub use mutation::Mutator;

/// A parser.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Valid inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Parses bytes and returns whether they were valid.
    pub run: fn(&[u8]) -> bool,
}

/// All parsers.
pub const TARGETS: [Target; 16] = [
    studies::TABLE,
    studies::METADATA,
    studies::TAXONOMY,
    studies::DISTANCES,
    studies::SAMPLE_VALUES,
    studies::SEQUENCES,
    studies::TREE,
    studies::IDS,
    checkpoints::MANIFEST,
    checkpoints::WEIGHTS,
    checkpoints::FAMILIARITY,
    checkpoints::LEARNERS,
    checkpoints::REFERENCE,
    settings::CONFIGURATION,
    settings::NAMED_VALUES,
    settings::PREDICTIONS,
];

/// The parser named `name`.
///
/// # Panics
/// There is no such parser.
pub fn target(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no parser '{name}'"))
}

/// Calls `read` on a file with `bytes`; there is one file per thread, in memory if possible.
fn as_file<T>(bytes: &[u8], ending: &str, read: impl FnOnce(&std::path::Path) -> T) -> T {
    thread_local! {
        static FOLDER: tempfile::TempDir = match tempfile::tempdir_in("/dev/shm") {
            Ok(folder) => folder,
            Err(_) => tempfile::tempdir().expect("a temporary folder"),
        };
    }
    FOLDER.with(|folder| {
        let path = folder.path().join(format!("input{ending}"));
        std::fs::write(&path, bytes).expect("a file");
        read(&path)
    })
}
