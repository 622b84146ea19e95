//! Timing of updates.

use std::time::{Duration, Instant};

use aam_core::text::counted;

/// Durations of the updates of a run, without the time between them.
#[derive(Debug, Default)]
pub(super) struct Pace {
    updates: Vec<Duration>,
    samples: usize,
}

impl Pace {
    /// Records an update of `samples` samples that started at `started`.
    pub(super) fn add(&mut self, started: Instant, samples: usize) {
        self.updates.push(started.elapsed());
        self.samples += samples;
    }

    /// A summary for people. `None` if there were no updates.
    pub(super) fn note(mut self) -> Option<String> {
        let updates = self.updates.len();
        let all: Duration = self.updates.iter().sum();
        let (_, median, _) =
            (updates > 0).then(|| self.updates.select_nth_unstable(updates / 2))?;
        Some(format!(
            "{}, the median took {:.3} ms; {:.1} samples per second",
            counted(updates, "update"),
            1e3 * median.as_secs_f64(),
            self.samples as f64 / all.as_secs_f64()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_rate_are_reported() {
        assert_eq!(Pace::default().note(), None);
        let pace = Pace {
            updates: [30, 10, 20].map(Duration::from_millis).to_vec(),
            samples: 6,
        };
        let note = "3 updates, the median took 20.000 ms; 100.0 samples per second";
        assert_eq!(pace.note().as_deref(), Some(note));
    }
}
