//! The speed of a training run and its remaining time.

use std::time::{Duration, Instant};

/// Counts batches and samples.
#[derive(Debug, Default)]
pub(super) struct Clock {
    begun: Option<Instant>,
    batches: usize,
    /// Maximum number of epochs, including those before this training.
    epochs: usize,
    first_epoch: Option<usize>,
    done: usize,
    /// Samples of the current epoch.
    samples: usize,
}

impl Clock {
    /// Starts a training run of up to `epochs` epochs of `batches` batches.
    pub(super) fn start(&mut self, epochs: usize, batches: usize) {
        *self = Self {
            begun: Some(Instant::now()),
            batches,
            epochs,
            ..Self::default()
        };
    }

    /// Counts a batch of `epoch`.
    pub(super) fn batch(&mut self, epoch: usize, samples: usize) {
        self.first_epoch.get_or_insert(epoch);
        self.done += 1;
        self.samples += samples;
    }

    /// Ends the epoch, which took `seconds`, and returns its samples per second.
    pub(super) fn epoch(&mut self, seconds: f64) -> f64 {
        std::mem::take(&mut self.samples) as f64 / seconds
    }

    /// The remaining time if all epochs run at the speed so far.
    pub(super) fn left(&self) -> Option<Duration> {
        let before = self.first_epoch?.saturating_sub(1);
        let all = self.epochs.saturating_sub(before) * self.batches;
        let taken = self.begun?.elapsed().as_secs_f64();
        let rest = all.saturating_sub(self.done) as f64 / self.done.max(1) as f64;
        Some(Duration::from_secs_f64(taken * rest))
    }
}

/// A duration in its two largest units.
pub(super) fn shown(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_is_based_on_completed_work() {
        let mut clock = Clock::default();
        assert_eq!(clock.left(), None);
        clock.start(12, 4);
        clock.begun = Instant::now().checked_sub(Duration::from_secs(80));
        // Epochs 1 to 10 were an earlier stage; 2 of 8 batches are done.
        clock.batch(11, 32);
        clock.batch(11, 8);
        let left = clock.left().unwrap().as_secs();
        assert!((239..=242).contains(&left), "{left}");
        assert_eq!(clock.epoch(0.5), 80.0);
        assert_eq!(clock.epoch(0.5), 0.0);
    }

    #[test]
    fn durations_are_short() {
        let shown = [5, 65, 7320].map(|s| shown(Duration::from_secs(s)));
        assert_eq!(shown, ["5 s", "1 min 5 s", "2 h 2 min"]);
    }
}
