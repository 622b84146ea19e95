//! What a run tells while it goes on.
//!
//! The training loop publishes events and knows none of those who listen: progress display,
//! metrics file, and whatever else.

use std::path::Path;

use crate::RunError;
use aam_evaluation::compared::Compared;
use aam_evaluation::cross_validated::CrossValidated;
use aam_evaluation::evaluation::{Evaluation, Predicted};
use aam_evaluation::metrics::Metric;

/// Something that happened in a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A line for the person: what was read, kept, left out, decided.
    Note(&'a str),
    /// Like a note, about something that may be a mistake.
    Warning(&'a str),
    /// A run that was stopped goes on; what was said of it beyond this point is void.
    Resumed {
        /// Epochs done and validated.
        epoch: usize,
        /// Updates done, those of an unfinished epoch included.
        step: usize,
    },
    /// Training begins.
    Started {
        /// Epochs at most.
        epochs: usize,
        /// Batches of an epoch.
        batches: usize,
        /// Parameters that learn, and all parameters.
        parameters: (usize, usize),
    },
    /// A batch is done.
    Batch {
        /// Epoch, from 1.
        epoch: usize,
        /// Batch of the epoch, from 1.
        batch: usize,
        /// Samples of the batch.
        samples: usize,
        /// Loss of the batch.
        loss: f64,
    },
    /// An update of the weights is done.
    Step {
        /// Updates so far.
        step: usize,
        /// Learning rate of the update.
        learning_rate: f64,
        /// That of what only categories need, if it is another.
        categorical_rate: Option<f64>,
        /// Length of the gradient over all parameters, before it was cut; known where it is cut.
        gradient_norm: Option<f64>,
    },
    /// What an epoch predicts of the validation samples; comes before the epoch.
    Compared(&'a [Compared]),
    /// The weights after an epoch, as a checkpoint has them (safetensors); come before the epoch.
    Weights(&'a [u8]),
    /// An epoch is done and validated.
    Epoch {
        /// Epoch, from 1.
        epoch: usize,
        /// Updates so far.
        step: usize,
        /// `learning_rate`, `train_loss` and its terms, then the validation metrics.
        metrics: &'a [Metric],
        /// Whether the chosen metric is the best so far.
        best: bool,
        /// Seconds of the epoch with its validation.
        seconds: f64,
    },
    /// All that is predicted of the held-out samples.
    Predicted(&'a Predicted<'a>),
    /// All folds of a cross-validation are judged; a note informs people.
    CrossValidated(&'a CrossValidated),
    /// The held-out samples are judged; a note informs people.
    Evaluated(&'a Evaluation),
    /// Progress of anything else that takes long, for example encoding ASVs.
    Progress {
        /// What is being done.
        what: &'a str,
        /// How much is done.
        done: usize,
        /// Of how much.
        total: usize,
    },
    /// A file or directory is complete.
    Saved(&'a Path),
}

/// Somebody who listens to a run, which may tell from another thread.
pub trait Observer: Send {
    /// Takes note of an event.
    ///
    /// # Errors
    /// A file that cannot be written; the run stops, with its last checkpoint kept.
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
    /// All its epochs, or stopped early for want of improvement.
    Finished,
    /// Interrupted by the user, with a checkpoint saved to go on from.
    Interrupted,
}
