//! Which epochs get a line: about one per second, the best and the last.

use std::time::{Duration, Instant};

/// Epochs shorter than this share a line.
const INTERVAL: Duration = Duration::from_secs(1);

/// Holds back the lines of short epochs.
#[derive(Default)]
pub(super) struct EpochLines {
    printed: Option<Instant>,
    held_best: Option<String>,
    held_last: Option<String>,
}

impl EpochLines {
    /// Returns the line of an epoch if it is to be printed now.
    pub(super) fn epoch(&mut self, line: String, best: bool) -> Option<String> {
        if best {
            self.held_best = None;
        }
        if self.printed.is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.printed = Some(Instant::now());
            self.held_last = None;
            return Some(line);
        }
        if best {
            self.held_best = Some(line);
            self.held_last = None;
        } else {
            self.held_last = Some(line);
        }
        None
    }

    /// The lines still to be printed when something else follows the epochs.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = String> + use<> {
        self.printed = None;
        self.held_best
            .take()
            .into_iter()
            .chain(self.held_last.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_best_and_the_last_are_printed() {
        let mut lines = EpochLines::default();
        let epochs = [
            ("1", true),
            ("2", true),
            ("3", true),
            ("4", false),
            ("5", false),
        ];
        let now: Vec<String> = epochs
            .iter()
            .filter_map(|&(line, best)| lines.epoch(line.to_owned(), best))
            .collect();
        assert_eq!(now, ["1"]);
        assert_eq!(lines.rest().collect::<Vec<_>>(), ["3", "5"]);
        assert_eq!(lines.rest().count(), 0);
    }
}
