//! What a user is shown of a run, on any kind of screen.

use std::time::Duration;

use aam_runtime::evaluation::metrics::Metric;
use aam_runtime::run::RunError;
use aam_runtime::run::events::{Event, Observer};

use super::clock::Clock;
use super::epochs::EpochLines;
use super::{epoch_line, start_line};

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
    /// Loss of the batch.
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
    /// Called when training begins.
    fn start(&mut self) {}
    /// Called after a batch.
    fn batch(&mut self, position: &Position);
    /// Called after an epoch, and after its line.
    fn epoch(&mut self, epoch: usize, metrics: &[Metric], best: bool);
    /// Shows the progress of another long task.
    fn progress(&mut self, what: &str, done: usize, total: usize);
}

/// Shows a run on a screen.
#[derive(Default)]
pub(super) struct Person<S> {
    epochs: usize,
    batches: usize,
    lines: EpochLines,
    clock: Clock,
    screen: S,
}

impl<S: Screen> Observer for Person<S> {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if !matches!(
            event,
            Event::Batch { .. }
                | Event::Step { .. }
                | Event::Compared(_)
                | Event::Weights(_)
                | Event::Epoch { .. }
        ) {
            let screen = &mut self.screen;
            self.lines.rest().for_each(|line| screen.line(&line));
        }
        match *event {
            Event::Note(text) | Event::Said(text) => self.screen.line(text),
            Event::Warning(text) => self.screen.warning(text),
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
                self.screen.batch(&Position {
                    epoch,
                    epochs: self.epochs,
                    batch,
                    batches: self.batches,
                    loss,
                    left: self.clock.left(),
                });
            }
            Event::Epoch {
                epoch,
                metrics,
                best,
                seconds,
                ..
            } => {
                let of = (epoch, self.epochs);
                let line = epoch_line(of, metrics, best, seconds, &mut self.clock);
                if let Some(line) = self.lines.epoch(line, best) {
                    self.screen.line(&line);
                }
                self.screen.epoch(epoch, metrics, best);
            }
            Event::Progress { what, done, total } => self.screen.progress(what, done, total),
            Event::Saved(path) => self.screen.line(&format!("wrote {}", path.display())),
            _ => {}
        }
        Ok(())
    }
}
