//! What can go wrong with a run.

use std::path::PathBuf;

use aam_api::PluginError;
use aam_api::options::BadValue;

use aam_core::DataError;

/// The error of a layer above, of which a run knows only that it ends it.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// A run that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// What is asked for cannot be done, whatever the settings.
    #[error("{0}")]
    Usage(String),
    /// A setting that is out of range, at odds with another or does not fit the data.
    #[error("--{key}{}: {problem}", .value.as_ref().map_or(String::new(), |value| format!(" {value}")))]
    Setting {
        /// The setting: an option, a kind of component, or `kind.option`.
        key: String,
        /// Its value, where that is worth telling.
        value: Option<String>,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A setting without which nothing can be done.
    #[error("--{key} is missing: {needed}")]
    Missing {
        /// The setting.
        key: String,
        /// What to give.
        needed: String,
    },
    /// A file or its contents.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A component.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A device that cannot be used; the crate of the devices says why.
    #[error(transparent)]
    Device(Refusal),
    /// A checkpoint that cannot be read.
    #[error("{}: {problem}", .path.display())]
    Checkpoint {
        /// The checkpoint or the file in it.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Something that could not be written or made.
    #[error("{}: cannot be written: {source}\n  help: nothing was left half-written, and what was written before is kept", .path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A device that computes wrong numbers.
    #[error("{0}")]
    Wrong(String),
    /// The directory of a run, while the run goes on.
    #[error("{}: the directory of the run was removed or renamed while the run went on\n  help: nothing more is saved; where it was renamed, --resume goes on in its new place", .0.display())]
    Gone(PathBuf),
    /// Training left the range of numbers.
    #[error("{0}")]
    Diverged(String),
    /// A prediction that cannot be one.
    #[error(
        "the prediction of '{target}' for the sample '{sample}' is {value}, which is no finite number, so no prediction is written: the weights of the model or the scale of the target lead out of the range of numbers\n  help: use another checkpoint, or train again with a lower --lr or another --target-transform"
    )]
    NotFinite {
        /// The column that is predicted.
        target: String,
        /// The sample.
        sample: String,
        /// What was computed.
        value: f64,
    },
    /// A model that is larger than the memory.
    #[error("the model has {parameters} parameters, which take {:.1} GB ({what}), and {:.1} GB of memory are free\n  help: choose a smaller --preset, --embedding-dim or --attention-layers, or smaller components", *.needed as f64 / 1e9, *.free as f64 / 1e9)]
    TooLarge {
        /// Its parameters.
        parameters: u64,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that there are.
        free: u64,
        /// What takes them.
        what: &'static str,
    },
    /// The thread that makes batches ended before the training that takes them.
    #[error("the thread that makes batches ended before the training")]
    BatchesEnded,
    /// One of several ranks failed, which ended the others.
    #[error("rank {rank} of {size}: {source}")]
    Rank {
        /// The rank.
        rank: usize,
        /// Number of ranks.
        size: usize,
        /// Why.
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
    /// A setting that cannot be used.
    pub fn setting(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Setting {
            key: key.into(),
            value: None,
            problem: problem.into(),
        }
    }

    /// A value of a setting that cannot be used.
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

    /// A setting that has to be given.
    pub fn missing(key: impl Into<String>, needed: impl Into<String>) -> Self {
        Self::Missing {
            key: key.into(),
            needed: needed.into(),
        }
    }

    /// An error of `path`, for `map_err`.
    pub fn write(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }

    /// A checkpoint that cannot be used.
    pub fn checkpoint(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Checkpoint {
            path: path.into(),
            problem: problem.into(),
        }
    }
}
