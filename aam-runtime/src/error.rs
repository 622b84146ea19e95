//! What can go wrong with a run.

use std::path::PathBuf;

use aam_api::PluginError;

use crate::data::DataError;
use crate::device::DeviceError;
use crate::model::ModelError;

/// A run that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A setting that is missing, out of range or at odds with another.
    #[error("{0}")]
    Usage(String),
    /// A file or its contents.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A component.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The model's sizes.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A device that cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
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

impl RunError {
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
