//! Plain lines, for logs.

use std::time::{Duration, Instant};

use aam_runtime::evaluation::metrics::Metric;

use super::clock::shown;
use super::figure;
use super::person::{Position, Screen};
use crate::output::{say, warn};

/// How often a long task is reported.
const INTERVAL: Duration = Duration::from_secs(10);

/// Writes a line per epoch, note, warning and file; with `--verbose` also occasional lines about long
/// tasks, which a log would otherwise keep without their context.
#[derive(Default)]
pub(super) struct Lines {
    mentioned: Option<Instant>,
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

impl Screen for Lines {
    fn line(&mut self, text: &str) {
        say(text);
    }

    fn warning(&mut self, text: &str) {
        warn(text);
    }

    fn batch(&mut self, at: &Position, verbose: bool) {
        if verbose && at.batch < at.batches && self.is_time() {
            say(&format!(
                "epoch {}/{}  batch {}/{}  training loss {}  {} left",
                at.epoch,
                at.epochs,
                at.batch,
                at.batches,
                figure(at.loss),
                shown(at.left.unwrap_or_default())
            ));
        }
    }

    fn epoch(&mut self, _epoch: usize, _metrics: &[Metric], _best: bool, _verbose: bool) {
        self.mentioned = Some(Instant::now());
    }

    fn progress(&mut self, what: &str, done: usize, total: usize, verbose: bool) {
        if verbose && self.is_time() && done < total {
            say(&format!("{what}: {done} of {total}"));
        }
    }
}
