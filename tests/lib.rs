//! Utilities shared by the tests: the program, a folder to run it in, and the location of real
//! data.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub mod fuzz;
mod ranks;
mod tables;

pub use ranks::{JOBS, RANKS_STUDY, Runs, TINY};
pub use tables::cells;

/// Creates a study small enough to train on in a second.
pub const STUDY: &str = "simulate --samples 24 --asvs 40 --sequence-length 30 --richness 12 \
                         --depth 300 --output-dir study";

/// Creates a study large enough to learn from.
pub const LARGER_STUDY: &str = "simulate --samples 60 --asvs 60 --sequence-length 30 \
                                --richness 20 --depth 300 --output-dir study";

/// The program in its own temporary folder; created by [`aam!`].
pub struct Aam {
    program: PathBuf,
    folder: TempDir,
}

/// The program that integration tests run, built from the current sources.
#[macro_export]
macro_rules! aam {
    () => {
        $crate::Aam::new(env!("CARGO_BIN_EXE_aam-for-tests"))
    };
}

impl Aam {
    /// Runs `program` in a new folder.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file in the temporary folder");
        path
    }

    /// The contents of a file in the folder.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The command `arguments`, separated by spaces, with the folder as its working directory.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .env_remove("RUST_BACKTRACE")
            .env("XDG_CACHE_HOME", self.path(".cache"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program with `arguments`, separated by spaces.
    pub fn run(&self, arguments: &str) -> Ran {
        Self::outcome(self.command(arguments), arguments)
    }

    /// Runs the program with file sizes limited to `blocks` blocks of 512 (or, in some shells,
    /// 1024) bytes, which looks like a full disk to the program.
    #[cfg(unix)]
    pub fn run_on_full_disk(&self, blocks: u32, arguments: &str) -> Ran {
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\" {arguments}");
        self.run_in_shell(&line)
    }

    /// Runs a shell command line, in which `"$@"` is the program.
    #[cfg(unix)]
    pub fn run_in_shell(&self, line: &str) -> Ran {
        let mut command = Command::new("sh");
        command
            .args(["-c", line, "sh"])
            .arg(&self.program)
            .current_dir(self.folder.path())
            .env_remove("RUST_BACKTRACE")
            .env("XDG_CACHE_HOME", self.path(".cache"))
            .stdin(Stdio::null());
        Self::outcome(command, line)
    }

    fn outcome(mut command: Command, arguments: &str) -> Ran {
        let output = command.output().expect("the program starts");
        Ran {
            arguments: arguments.to_owned(),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs the program, which must exit with code 0.
    pub fn ok(&self, arguments: &str) -> Ran {
        self.run(arguments).ends_with_code(0)
    }

    /// Runs `arguments` successfully and returns the folder.
    pub fn with(self, arguments: &str) -> Self {
        self.ok(arguments);
        self
    }

    /// Runs the program, which must reject its arguments with the exit code for usage errors.
    pub fn refuses(&self, arguments: &str) -> Ran {
        self.run(arguments).ends_with_code(2)
    }
}

/// The result of running the program.
#[derive(Clone, Debug)]
pub struct Ran {
    arguments: String,
    /// Its exit code, unless it was killed.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// Checks the exit code.
    #[track_caller]
    pub fn ends_with_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "aam {}:\n{}",
            self.arguments,
            self.stderr
        );
        self
    }

    /// Checks that standard error contains all of `words`.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "aam {}: expected {word:?} in\n{}",
                self.arguments,
                self.stderr
            );
        }
        self
    }

    /// Checks that standard output contains all of `lines`.
    #[track_caller]
    pub fn prints(self, lines: &[&str]) -> Self {
        for line in lines {
            assert!(
                self.stdout.contains(line),
                "aam {}: expected {line:?} in\n{}",
                self.arguments,
                self.stdout
            );
        }
        self
    }
}

/// The folder of real studies, from the environment variable `AAM_DATA`.
///
/// Without it, this prints a note, and the tests that need it return early.
pub fn data() -> Option<PathBuf> {
    match std::env::var_os("AAM_DATA") {
        Some(folder) => Some(Path::new(&folder).to_owned()),
        None => {
            println!("skipped: AAM_DATA is not set");
            None
        }
    }
}
