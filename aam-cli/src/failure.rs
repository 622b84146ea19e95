//! Errors as reported to users.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;

use aam_api::PluginError;
use aam_runtime::io_words::in_words;
use aam_runtime::model::device::DeviceError;
use aam_runtime::run::RunError;
use aam_runtime::{DataError, brief};
use serde_json::json;

use crate::exit::Exit;
use crate::output::{Label, is_json, say_labelled, tell};

/// Why a command failed, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// Where the problem is, from the outside in.
    places: Vec<Place>,
    /// The problem.
    message: String,
    /// What the user can do, one line each.
    pub help: Vec<String>,
    /// Whether the reader of our output closed it, which is not an error.
    broken_pipe: bool,
}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A setting, with its value if that is given, too.
    Setting(String, Option<String>),
    /// A flag, a file, a file with a table, and so on.
    Named(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(key, None) => write!(f, "--{key}"),
            Self::Setting(key, Some(value)) => write!(f, "--{key} {value}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl Failure {
    /// A failure without advice.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            places: Vec::new(),
            message: message.into(),
            help: Vec::new(),
            broken_pipe: false,
        }
    }

    /// A flag or configuration key that cannot be used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A setting that cannot be used; messages name it as the user gave it.
    pub fn setting(key: impl Into<String>, value: Option<String>, problem: &str) -> Self {
        let mut failure = Self::from_text(Exit::Usage, problem);
        failure.places.push(Place::Setting(key.into(), value));
        failure
    }

    /// Changes the exit code.
    #[must_use]
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Names settings as `given` returns them for their keys and values.
    #[must_use]
    pub fn with_settings(mut self, given: impl Fn(&str, Option<&str>) -> Option<String>) -> Self {
        for place in &mut self.places {
            if let Place::Setting(key, value) = place
                && let Some(name) = given(key, value.as_deref())
            {
                *place = Place::Named(name);
            }
        }
        self
    }

    /// The problem, preceded by where it is.
    pub fn text(&self) -> String {
        let places = self.places.iter();
        let places = places.map(|place| format!("{}: ", brief(&place.to_string())));
        places.collect::<String>() + &brief(&self.message)
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// Prepends a place (a flag, a file with a table) to the message.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.places.insert(0, Place::Named(place.to_owned()));
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
        Self::from_text(exit, &message)
    }

    /// A failure whose advice is in the lines of `text` that begin with `help: `.
    fn from_text(exit: Exit, text: &str) -> Self {
        let mut failure = Self::new(exit, "");
        let mut kept: Vec<&str> = Vec::new();
        for line in text.lines() {
            match line.trim_start().strip_prefix("help: ") {
                Some(help) => failure.help.push(help.to_owned()),
                None => kept.push(line),
            }
        }
        failure.message = kept.join("\n");
        failure
    }

    /// Prints the failure to standard error.
    pub fn print(&self) {
        if self.broken_pipe {
            return;
        }
        if is_json() {
            tell(&json!({
                "event": "error", "message": self.text(), "help": self.help,
                "exit": self.exit.code(),
            }));
            return;
        }
        say_labelled(Label::ERROR, &self.text());
        for line in &self.help {
            say_labelled(Label::HELP, &brief(line));
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Plugin(error) => {
                let key = error.setting();
                let mut failure = Self::from(error);
                failure
                    .places
                    .extend(key.map(|key| Place::Setting(key, None)));
                failure
            }
            RunError::Setting {
                key,
                value,
                problem,
            } => Self::setting(key, value, &problem),
            RunError::Device(error) => match error.downcast_ref::<DeviceError>() {
                Some(device) => {
                    let name = Some(device.name().to_owned());
                    Self::setting("device", name, &device.problem()).with_exit(device.into())
                }
                None => Self::new(Exit::Failed, error.to_string()),
            },
            RunError::Rank { rank, size, source } => {
                Self::from(*source).at(&format!("rank {rank} of {size}"))
            }
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
                "`aam plugins describe {kind} {component}` shows its options"
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
            ..Self::new(exit, format!("standard output: {}", in_words(&error)))
        }
    }
}
