//! Progress bars for a terminal.

use aam_runtime::evaluation::metrics::Metric;
use aam_runtime::text::visible;
use indicatif::{ProgressBar, ProgressStyle};

use super::clock::shown;
use super::figure;
use super::panel::Panel;
use super::person::{Position, Screen};
use crate::output::{say, warn};

/// Shows one bar at a time, with permanent lines above it.
#[derive(Default)]
pub(super) struct Bars {
    bar: Option<(String, ProgressBar)>,
    panel: Panel,
}

impl Bars {
    /// The bar for `what`, which replaces any other.
    fn bar(&mut self, what: &str, total: usize) -> &ProgressBar {
        if self.bar.as_ref().is_none_or(|(of, _)| of != what) {
            self.clear();
        }
        let (_, bar) = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(total as u64);
            bar.set_style(style(""));
            bar.set_prefix(visible(what).into_owned());
            (what.to_owned(), bar)
        });
        bar
    }

    /// Writes permanent lines above the bar.
    fn above(&self, write: impl FnOnce()) {
        match &self.bar {
            Some((_, bar)) => bar.suspend(write),
            None => write(),
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// The style of a bar: what is running, how far it is, and the text `below`.
fn style(below: &str) -> ProgressStyle {
    ProgressStyle::with_template(&format!("{{prefix}} {{wide_bar}} {{pos}}/{{len}}{below}"))
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Screen for Bars {
    fn line(&mut self, text: &str) {
        self.above(|| say(text));
    }

    fn warning(&mut self, text: &str) {
        self.above(|| warn(text));
    }

    fn aside(&mut self, write: &mut dyn FnMut()) {
        self.above(write);
    }

    fn start(&mut self) {
        self.panel = Panel::default();
        self.clear();
    }

    fn batch(&mut self, at: &Position, _verbose: bool) {
        let left = at.left.map(shown).unwrap_or_default();
        let bar = self.bar("training", at.epochs * at.batches);
        bar.set_prefix(format!(
            "epoch {}/{}  training loss {}  {left} left",
            at.epoch,
            at.epochs,
            figure(at.loss)
        ));
        bar.set_position(((at.epoch - 1) * at.batches + at.batch) as u64);
    }

    fn epoch(&mut self, epoch: usize, metrics: &[Metric], best: bool, verbose: bool) {
        if !verbose {
            return;
        }
        self.panel.epoch(epoch, metrics, best);
        if let Some((_, bar)) = &self.bar {
            bar.set_style(style("\n{msg}"));
            bar.set_message(visible(&self.panel.text()).into_owned());
        }
    }

    fn progress(&mut self, what: &str, done: usize, total: usize, _verbose: bool) {
        self.bar(what, total).set_position(done as u64);
        if done >= total {
            self.clear();
        }
    }
}
