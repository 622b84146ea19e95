//! The exit codes of the program.

use std::process::ExitCode;

use aam_api::PluginError;
use aam_runtime::model::device::DeviceError;
use aam_runtime::run::RunError;

/// All exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something else went wrong: a disk is full, training diverged.
    Failed = 1,
    /// A flag, a configuration key, or a component's name or option is wrong.
    Usage = 2,
    /// An input file or its contents cannot be used.
    Data = 3,
    /// A checkpoint is damaged, from another program, or has a component that is not linked.
    Model = 4,
    /// Interrupted; the run saved a checkpoint first.
    Saved = 5,
    /// A bug in the program.
    Bug = 101,
    /// Interrupted twice; stopped at once, with nothing saved since the last checkpoint.
    Interrupted = 130,
}

impl Exit {
    /// Every code with its meaning, for help texts.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Done, "done"),
        (
            Self::Failed,
            "failed, for example a full disk or training that diverged",
        ),
        (
            Self::Usage,
            "a flag, a configuration key, or a component's name or option is wrong",
        ),
        (Self::Data, "an input file cannot be used"),
        (
            Self::Model,
            "a checkpoint cannot be used, or needs a component that is not linked",
        ),
        (Self::Saved, "interrupted, after a checkpoint was saved"),
        (Self::Bug, "a bug in aam"),
        (
            Self::Interrupted,
            "interrupted twice, nothing saved since the last checkpoint",
        ),
    ];

    /// The exit with the numeric code `code`.
    pub fn of(code: i32) -> Option<Self> {
        let mut all = Self::ALL.into_iter().map(|(exit, _)| exit);
        all.find(|exit| i32::from(exit.code()) == code)
    }

    /// The numeric code.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&RunError> for Exit {
    fn from(error: &RunError) -> Self {
        match error {
            RunError::Usage(_) | RunError::Setting { .. } | RunError::Missing { .. } => Self::Usage,
            RunError::Data(_) => Self::Data,
            RunError::Checkpoint { .. } => Self::Model,
            RunError::Plugin(error) => Self::from(error),
            _ => Self::Failed,
        }
    }
}

impl From<&DeviceError> for Exit {
    fn from(error: &DeviceError) -> Self {
        match error {
            DeviceError::Unknown { .. } | DeviceError::NotBuilt { .. } => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<&PluginError> for Exit {
    fn from(error: &PluginError) -> Self {
        match error {
            PluginError::NotLinked { .. }
            | PluginError::Duplicate { .. }
            | PluginError::BadPredictions { .. } => Self::Model,
            PluginError::Communication { .. } => Self::Failed,
            _ => Self::Usage,
        }
    }
}
