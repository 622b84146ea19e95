//! Errors as they are told to a person.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use aam_api::PluginError;
use aam_runtime::data::DataError;
use aam_runtime::error::RunError;
use serde_json::json;

use crate::exit::Exit;
use crate::output::{Style, is_json, say, tell};

/// Why a command could not be done, and the exit code for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong.
    pub message: String,
    /// What the person can do, one line each.
    pub help: Vec<String>,
    /// Whether the reader of our output went away, which is nobody's mistake.
    broken_pipe: bool,
}

impl Failure {
    /// A failure without advice.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            help: Vec::new(),
            broken_pipe: false,
        }
    }

    /// A flag or configuration key that cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// Puts the place (a flag, a file with a table) before the message.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    fn from_error(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            // Many errors already quote their cause.
            if !message.contains(&text) {
                let _ = write!(message, "\n  because {text}");
            }
            cause = source.source();
        }
        let mut failure = Self::new(exit, "");
        let mut kept: Vec<&str> = Vec::new();
        for line in message.lines() {
            match line.trim_start().strip_prefix("help: ") {
                Some(help) => failure.help.push(help.to_owned()),
                None => kept.push(line),
            }
        }
        failure.message = kept.join("\n");
        failure
    }

    /// Prints the failure on standard error.
    pub fn print(&self) {
        if self.broken_pipe {
            return;
        }
        if is_json() {
            tell(&json!({
                "event": "error", "message": self.message, "help": self.help,
                "exit": self.exit.code(),
            }));
            return;
        }
        let style = Style::stderr();
        say(&format!("{} {}", style.error("error:"), self.message));
        for line in &self.help {
            say(&format!("{} {line}", style.strong("help:")));
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Plugin(error) => error.into(),
            error => Self::from_error(Exit::from(&error), &error),
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::from_error(Exit::Data, &error)
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        let failure = Self::from_error(Exit::from(&error), &error);
        match &error {
            PluginError::UnknownName { kind, .. } => {
                failure.help(format!("`aam plugins list {kind}` describes each"))
            }
            PluginError::UnknownOption {
                kind, component, ..
            }
            | PluginError::BadOption {
                kind, component, ..
            } => failure.help(format!(
                "`aam plugins describe {kind} {component}` has its options"
            )),
            _ => failure,
        }
    }
}

impl From<io::Error> for Failure {
    /// An error of writing to standard output.
    fn from(error: io::Error) -> Self {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        let exit = match broken_pipe {
            true => Exit::Done,
            false => Exit::Failed,
        };
        Self {
            broken_pipe,
            ..Self::new(exit, format!("standard output: {error}"))
        }
    }
}
