//! Events that a run publishes.
//!
//! The training loop publishes events without knowing its observers: the progress display, the
//! metrics file, and others.

use std::path::Path;

use crate::RunError;
use aam_evaluation::compared::Compared;
use aam_evaluation::cross_validated::CrossValidated;
use aam_evaluation::evaluation::{Evaluation, Predicted};
use aam_evaluation::metrics::Metric;
use aam_evaluation::ordination::Ordination;

/// An event of a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A line for the user: what was read, kept, left out or decided.
    Note(&'a str),
    /// Where the run stands, in words; reports and files present it in other forms.
    Said(&'a str),
    /// What came out, in words: metrics, a verdict. It is the output of the command; reports and files
    /// present it in other forms.
    Result(&'a str),
    /// A note about a possible mistake.
    Warning(&'a str),
    /// The number of ranks of a run with a strategy for several.
    Ranks(usize),
    /// A stopped run resumes; earlier events beyond this point are void.
    Resumed {
        /// Epochs trained and validated.
        epoch: usize,
        /// Updates done, including those of an unfinished epoch.
        step: usize,
    },
    /// Training begins.
    Started {
        /// Maximum number of epochs.
        epochs: usize,
        /// Batches per epoch.
        batches: usize,
        /// Numbers of trainable and of all parameters.
        parameters: (usize, usize),
    },
    /// A batch is finished.
    Batch {
        /// Epoch, from 1.
        epoch: usize,
        /// Batch of the epoch, from 1.
        batch: usize,
        /// Samples in the batch.
        samples: usize,
        /// Loss of the batch.
        loss: f64,
    },
    /// The weights were updated.
    Step {
        /// Updates so far.
        step: usize,
        /// Learning rate of the update.
        learning_rate: f64,
        /// Learning rate of the parameters that only categories use, if it differs.
        categorical_rate: Option<f64>,
        /// Norm of the gradient over all parameters before clipping; known if gradients are
        /// clipped.
        gradient_norm: Option<f64>,
    },
    /// Predictions of an epoch for the validation samples; precedes [`Event::Epoch`].
    Compared(&'a [Compared]),
    /// The weights after an epoch in safetensors format, as in a checkpoint; precedes
    /// [`Event::Epoch`].
    Weights(&'a [u8]),
    /// An epoch is trained and validated.
    Epoch {
        /// Epoch, from 1.
        epoch: usize,
        /// Updates so far.
        step: usize,
        /// `learning_rate`, `train_loss` and its terms, then the validation metrics.
        metrics: &'a [Metric],
        /// Whether the selected metric is the best so far.
        best: bool,
        /// The selected metric, if there are validation samples.
        chosen_by: Option<&'a str>,
        /// Duration of the epoch and its validation in seconds.
        seconds: f64,
    },
    /// All predictions for the held-out samples.
    Predicted(&'a Predicted<'a>),
    /// All samples in the plane of their principal coordinates.
    Ordinated(&'a Ordination),
    /// All folds of a cross-validation are evaluated; users are informed by a note.
    CrossValidated(&'a CrossValidated),
    /// The held-out samples are evaluated; users are informed by a note.
    Evaluated(&'a Evaluation),
    /// A search or comparison has ended; users are informed by its table.
    Concluded {
        /// What it found, in a few words.
        summary: &'a str,
        /// The metric of what it found, if any.
        metric: Option<&'a Metric>,
    },
    /// Progress of another long operation, such as encoding ASVs.
    Progress {
        /// The operation.
        what: &'a str,
        /// Units done.
        done: usize,
        /// Units in total.
        total: usize,
    },
    /// A file or directory has been written.
    Saved(&'a Path),
}

/// An observer of a run, which may be called from another thread.
pub trait Observer: Send {
    /// Handles an event.
    ///
    /// # Errors
    /// A file cannot be written; the run then stops and keeps its last checkpoint.
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError>;
}

impl<F: FnMut(&Event<'_>) + Send> Observer for F {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        self(event);
        Ok(())
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs were trained, or training stopped early because the metric no longer improved.
    Finished,
    /// The user interrupted the run, which saved a checkpoint to resume from.
    Interrupted,
}
