//! What a user is shown of a run, on any kind of screen.

use std::path::Path;
use std::time::Duration;

use aam_runtime::evaluation::metrics::Metric;
use aam_runtime::run::RunError;
use aam_runtime::run::events::{Event, Observer};

use super::clock::Clock;
use super::epoch_line::EpochShown;
use super::{show_result, show_written, start_line, warning_in};

/// The progress of training.
pub(super) struct Position {
    /// The epoch, from 1.
    pub(super) epoch: usize,
    /// Maximum number of epochs.
    pub(super) epochs: usize,
    /// The batch of the epoch, from 1.
    pub(super) batch: usize,
    /// Batches per epoch.
    pub(super) batches: usize,
    /// Training loss of the batch.
    pub(super) loss: f64,
    /// Remaining time, once it is known.
    pub(super) left: Option<Duration>,
}

/// A place where a run is shown.
pub(super) trait Screen: Send {
    /// Shows a permanent line.
    fn line(&mut self, text: &str);
    /// Shows a permanent warning.
    fn warning(&mut self, text: &str);
    /// Calls `write`, which writes permanent lines elsewhere on the same terminal.
    fn aside(&mut self, write: &mut dyn FnMut()) {
        write();
    }
    /// Called when training begins.
    fn start(&mut self) {}
    /// Called after a batch.
    fn batch(&mut self, position: &Position, verbose: bool);
    /// Called after an epoch, and after its line.
    fn epoch(&mut self, epoch: usize, metrics: &[Metric], best: bool, verbose: bool);
    /// Shows the progress of another long task.
    fn progress(&mut self, what: &str, done: usize, total: usize, verbose: bool);
}

/// Shows a run on a screen.
#[derive(Default)]
pub(super) struct Person<S> {
    verbose: bool,
    epochs: usize,
    batches: usize,
    clock: Clock,
    screen: S,
}

impl<S: Screen + Default> Person<S> {
    /// On a new screen; `verbose` shows all metrics of an epoch.
    pub(super) fn new(verbose: bool) -> Self {
        Self {
            verbose,
            ..Self::default()
        }
    }
}

impl<S: Screen> Person<S> {
    fn result(&mut self, text: &str) -> Result<(), RunError> {
        let mut shown = Ok(());
        self.screen.aside(&mut || shown = show_result(text));
        shown
    }

    fn written(&mut self, path: &Path) -> Result<(), RunError> {
        let mut shown = Ok(());
        self.screen.aside(&mut || shown = show_written(path));
        shown
    }
}

impl<S: Screen> Observer for Person<S> {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if let Some(text) = warning_in(event) {
            self.screen.warning(text);
            return Ok(());
        }
        match *event {
            Event::Note(text) | Event::Said(text) => self.screen.line(text),
            Event::Result(text) => self.result(text)?,
            Event::Saved(path) => self.written(path)?,
            Event::Started {
                epochs,
                batches,
                parameters,
            } => {
                (self.epochs, self.batches) = (epochs, batches);
                self.clock.start(epochs, batches);
                self.screen.start();
                self.screen.line(&start_line(epochs, batches, parameters));
            }
            Event::Batch {
                epoch,
                batch,
                loss,
                samples,
            } => {
                self.clock.batch(epoch, samples);
                let position = Position {
                    epoch,
                    epochs: self.epochs,
                    batch,
                    batches: self.batches,
                    loss,
                    left: self.clock.left(),
                };
                self.screen.batch(&position, self.verbose);
            }
            Event::Epoch {
                epoch,
                metrics,
                best,
                chosen_by,
                seconds,
                ..
            } => {
                let pace = self.clock.epoch(seconds);
                let shown = EpochShown {
                    place: (epoch, self.epochs),
                    metrics,
                    chosen_by,
                    best,
                    left: self.clock.left(),
                };
                self.screen.line(&shown.line());
                if self.verbose {
                    self.screen.line(&shown.rest(seconds, pace));
                }
                self.screen.epoch(epoch, metrics, best, self.verbose);
            }
            Event::Progress { what, done, total } => {
                self.screen.progress(what, done, total, self.verbose);
            }
            _ => {}
        }
        Ok(())
    }
}
