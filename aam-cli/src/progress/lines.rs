//! Plain lines, for logs.

use std::time::{Duration, Instant};

use aam_runtime::error::RunError;
use aam_runtime::events::{Event, Observer};

use super::clock::{Clock, shown};
use super::epochs::EpochLines;
use super::{epoch_line, start_line};
use crate::output::{say, warn};

/// How often something that takes long is mentioned.
const INTERVAL: Duration = Duration::from_secs(10);

/// Shows a line per epoch, note, warning and file, and now and then one of what takes long.
#[derive(Default)]
pub(super) struct Lines {
    epochs: usize,
    batches: usize,
    mentioned: Option<Instant>,
    lines: EpochLines,
    clock: Clock,
}

impl Lines {
    fn is_time(&mut self) -> bool {
        let last = *self.mentioned.get_or_insert_with(Instant::now);
        let due = last.elapsed() >= INTERVAL;
        if due {
            self.mentioned = Some(Instant::now());
        }
        due
    }
}

impl Observer for Lines {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if !matches!(
            event,
            Event::Batch { .. }
                | Event::Step { .. }
                | Event::Compared(_)
                | Event::Weights(_)
                | Event::Epoch { .. }
        ) {
            self.lines.rest().for_each(|line| say(&line));
        }
        match *event {
            Event::Note(text) => say(text),
            Event::Warning(text) => warn(text),
            Event::Started {
                epochs,
                batches,
                parameters,
            } => {
                (self.epochs, self.batches) = (epochs, batches);
                self.clock.start(epochs, batches);
                say(&start_line(epochs, batches, parameters));
            }
            Event::Batch {
                epoch,
                batch,
                loss,
                samples,
            } => {
                self.clock.batch(epoch, samples);
                let (epochs, batches) = (self.epochs, self.batches);
                if batch < batches && self.is_time() {
                    let left = self.clock.left().unwrap_or_default();
                    say(&format!(
                        "epoch {epoch}/{epochs}  batch {batch}/{batches}  loss {loss:.4}  {} left",
                        shown(left)
                    ));
                }
            }
            Event::Epoch {
                epoch,
                metrics,
                best,
                seconds,
                ..
            } => {
                self.mentioned = Some(Instant::now());
                let of = (epoch, self.epochs);
                let line = epoch_line(of, metrics, best, seconds, &mut self.clock);
                if let Some(line) = self.lines.epoch(line, best) {
                    say(&line);
                }
            }
            Event::Progress { what, done, total } if self.is_time() && done < total => {
                say(&format!("{what}: {done} of {total}"));
            }
            Event::Saved(path) => say(&format!("wrote {}", path.display())),
            _ => {}
        }
        Ok(())
    }
}
