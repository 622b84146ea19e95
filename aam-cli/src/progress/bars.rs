//! Bars, for a person at a terminal.

use aam_runtime::error::RunError;
use aam_runtime::events::{Event, Observer};
use indicatif::{ProgressBar, ProgressStyle};

use super::clock::{Clock, shown};
use super::epochs::EpochLines;
use super::panel::Panel;
use super::{epoch_line, figure, start_line};
use crate::output::{Style, say};

/// Shows one bar at a time, with lines of lasting interest above it.
#[derive(Default)]
pub(super) struct Bars {
    epochs: usize,
    batches: usize,
    bar: Option<(String, ProgressBar)>,
    lines: EpochLines,
    clock: Clock,
    panel: Panel,
}

impl Bars {
    /// The bar for `what`, which takes the place of any other.
    fn bar(&mut self, what: &str, total: usize) -> &ProgressBar {
        if self.bar.as_ref().is_none_or(|(of, _)| of != what) {
            self.clear();
        }
        let (_, bar) = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(total as u64);
            bar.set_style(style(""));
            bar.set_prefix(what.to_owned());
            (what.to_owned(), bar)
        });
        bar
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Prints a line above the bar.
    fn line(&self, text: &str) {
        match &self.bar {
            Some((_, bar)) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }
}

/// What is done, how far it is, and what is `below`.
fn style(below: &str) -> ProgressStyle {
    ProgressStyle::with_template(&format!("{{prefix}} {{wide_bar}} {{pos}}/{{len}}{below}"))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Observer for Bars {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if !matches!(
            event,
            Event::Batch { .. }
                | Event::Step { .. }
                | Event::Compared(_)
                | Event::Weights(_)
                | Event::Epoch { .. }
        ) {
            let rest: Vec<String> = self.lines.rest().collect();
            rest.iter().for_each(|line| self.line(line));
        }
        match *event {
            Event::Note(text) => self.line(text),
            Event::Warning(text) => {
                self.line(&format!("{} {text}", Style::stderr().warning("warning:")));
            }
            Event::Started {
                epochs,
                batches,
                parameters,
            } => {
                (self.epochs, self.batches) = (epochs, batches);
                self.clock.start(epochs, batches);
                self.panel = Panel::default();
                self.clear();
                self.line(&start_line(epochs, batches, parameters));
            }
            Event::Batch {
                epoch,
                batch,
                loss,
                samples,
            } => {
                self.clock.batch(epoch, samples);
                let (epochs, batches) = (self.epochs, self.batches);
                let left = self.clock.left().map(shown).unwrap_or_default();
                let bar = self.bar("training", epochs * batches);
                bar.set_prefix(format!(
                    "epoch {epoch}/{epochs}  loss {}  {left} left",
                    figure(loss)
                ));
                bar.set_position(((epoch - 1) * batches + batch) as u64);
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
                    self.line(&line);
                }
                self.panel.epoch(epoch, metrics, best);
                if let Some((_, bar)) = &self.bar {
                    bar.set_style(style("\n{msg}"));
                    bar.set_message(self.panel.text());
                }
            }
            Event::Progress { what, done, total } => {
                self.bar(what, total).set_position(done as u64);
                if done >= total {
                    self.clear();
                }
            }
            Event::Saved(path) => self.line(&format!("wrote {}", path.display())),
            _ => {}
        }
        Ok(())
    }
}
