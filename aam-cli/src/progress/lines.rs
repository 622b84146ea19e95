//! Plain lines, for logs.

use std::time::{Duration, Instant};

use aam_runtime::error::RunError;
use aam_runtime::events::{Event, Observer};

use super::epochs::EpochLines;
use super::{epoch_line, start_line};
use crate::output::{Style, say};

/// How often something that takes long is mentioned.
const INTERVAL: Duration = Duration::from_secs(10);

/// Shows a line per epoch, note, warning and file, and now and then one of what takes long.
#[derive(Default)]
pub(super) struct Lines {
    epochs: usize,
    batches: usize,
    mentioned: Option<Instant>,
    lines: EpochLines,
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
        if !matches!(event, Event::Batch { .. } | Event::Epoch { .. }) {
            self.lines.rest().for_each(|line| say(&line));
        }
        match *event {
            Event::Note(text) => say(text),
            Event::Warning(text) => say(&format!("{} {text}", Style::stderr().warning("warning:"))),
            Event::Started {
                epochs,
                batches,
                parameters,
            } => {
                (self.epochs, self.batches) = (epochs, batches);
                say(&start_line(epochs, batches, parameters));
            }
            Event::Batch {
                epoch, batch, loss, ..
            } if self.is_time() && batch < self.batches => {
                let (epochs, batches) = (self.epochs, self.batches);
                say(&format!(
                    "epoch {epoch}/{epochs}  batch {batch}/{batches}  loss {loss:.4}"
                ));
            }
            Event::Epoch {
                epoch,
                metrics,
                best,
                seconds,
                ..
            } => {
                self.mentioned = Some(Instant::now());
                let line = epoch_line(epoch, self.epochs, metrics, best, seconds);
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
