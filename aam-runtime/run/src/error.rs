//! Errors of a run.

use std::path::PathBuf;

use aam_api::PluginError;
use aam_api::options::BadValue;

use aam_core::DataError;
use aam_core::io_words::worded;

/// An error of a higher layer; a run only knows that it is fatal.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// An error that prevents or ends a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The request cannot be met, whatever the settings.
    #[error("{0}")]
    Usage(String),
    /// A setting that is out of range, conflicts with another or does not fit the data.
    #[error("--{key}{}: {problem}", .value.as_ref().map_or(String::new(), |value| format!(" {value}")))]
    Setting {
        /// The setting: an option, a kind of component, or `kind.option`.
        key: String,
        /// Its value, if useful in the message.
        value: Option<String>,
        /// The problem and what to do about it.
        problem: String,
    },
    /// A required setting is missing.
    #[error("--{key} is missing: {needed}")]
    Missing {
        /// The setting.
        key: String,
        /// What to give.
        needed: String,
    },
    /// A problem with a file or its contents.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An error of a component.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A device cannot be used; the crate of the devices explains why.
    #[error(transparent)]
    Device(Refusal),
    /// A checkpoint cannot be read.
    #[error("{}: {problem}", .path.display())]
    Checkpoint {
        /// The checkpoint or the file in it.
        path: PathBuf,
        /// The problem and what to do about it.
        problem: String,
    },
    /// A file or directory cannot be written or created.
    #[error("{}: cannot be written: {source}\n  help: nothing was left half-written, and what was written before is kept", .path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A device computes wrong numbers.
    #[error("{0}")]
    Wrong(String),
    /// The directory of the run disappeared during the run.
    #[error("{}: the directory of the run was removed or renamed during the run\n  help: nothing more is saved; if it was renamed, --resume continues in the new place", .0.display())]
    Gone(PathBuf),
    /// Training diverged.
    #[error("{0}")]
    Diverged(String),
    /// A prediction is not finite.
    #[error(
        "the prediction of '{target}' for the sample '{sample}' is {value}, which is not finite, so no prediction is written: the weights of the model or the scale of the target cause an overflow\n  help: use another checkpoint, or train again with a lower --lr or another --target-transform"
    )]
    NotFinite {
        /// The target column.
        target: String,
        /// The sample.
        sample: String,
        /// The computed value.
        value: f64,
    },
    /// The model does not fit into memory.
    #[error("the model has {parameters} parameters, which need {:.1} GB ({what}), but only {:.1} GB of memory are free\n  help: choose a smaller --preset, --embedding-dim or --attention-layers, or smaller components", *.needed as f64 / 1e9, *.free as f64 / 1e9)]
    TooLarge {
        /// Number of parameters.
        parameters: u64,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
        /// What needs the memory.
        what: &'static str,
    },
    /// The thread that makes batches ended before the training loop that consumes them.
    #[error("the thread that makes batches ended before training did")]
    BatchesEnded,
    /// One of several ranks failed, which ended the others.
    #[error("rank {rank} of {size}: {source}")]
    Rank {
        /// The rank.
        rank: usize,
        /// Number of ranks.
        size: usize,
        /// The error of the rank.
        source: Box<RunError>,
    },
}

impl From<BadValue> for RunError {
    fn from(error: BadValue) -> Self {
        let problem = format!("expected {}, found {}", error.expected, error.found);
        Self::setting(error.option, problem)
    }
}

impl RunError {
    /// The error of a setting that cannot be used.
    pub fn setting(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Setting {
            key: key.into(),
            value: None,
            problem: problem.into(),
        }
    }

    /// The error of a setting whose value cannot be used.
    pub fn value(
        key: impl Into<String>,
        value: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::Setting {
            key: key.into(),
            value: Some(value.into()),
            problem: problem.into(),
        }
    }

    /// The error of a missing setting.
    pub fn missing(key: impl Into<String>, needed: impl Into<String>) -> Self {
        Self::Missing {
            key: key.into(),
            needed: needed.into(),
        }
    }

    /// The error of writing `path`, for `map_err`.
    pub fn write(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write {
            path,
            source: worded(source),
        }
    }

    /// The error of a checkpoint that cannot be used.
    pub fn checkpoint(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Checkpoint {
            path: path.into(),
            problem: problem.into(),
        }
    }
}
