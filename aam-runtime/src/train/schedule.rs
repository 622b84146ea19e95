//! Learning-rate schedules.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::state::exact;

/// How the learning rate changes over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// A linear warm-up, then half a cosine.
    #[default]
    WarmupCosine,
    /// Half a cosine.
    Cosine,
    /// Half cosines, each longer than the one before (Loshchilov and Hutter, 2017).
    CosineRestarts,
    /// Constant until a metric of validation stops getting better, then smaller.
    Plateau,
    /// Up over three tenths of the run and down to nothing (Smith and Topin, 2019).
    Onecycle,
    /// A linear warm-up, then constant.
    Constant,
}

/// What a schedule is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleConfig {
    /// Its form.
    pub kind: ScheduleKind,
    /// Highest rate.
    pub peak: f64,
    /// Updates of the warm-up.
    pub warmup: usize,
    /// Updates of the run.
    pub total: usize,
    /// Updates of the first cosine with restarts; a quarter of the run if not given.
    pub first_cycle: Option<usize>,
    /// How many times longer each cosine is than the one before.
    pub cycle_factor: usize,
    /// Lowest rate of a cosine.
    pub lowest: f64,
    /// Epochs without improvement before a plateau ends.
    pub patience: usize,
    /// What the rate is multiplied by at the end of a plateau.
    pub factor: f64,
    /// Lowest rate after plateaus.
    pub least: f64,
}

/// The learning rate of each update.
///
/// `peak` is the highest rate, `k` the update from 0, `total` the number of updates:
///
/// - warm-up: `peak · (k + 1) / (warmup + 1)` while `k < warmup`, so that the first update is small
///   and not zero; one that does not fit the run is shortened to a tenth of it;
/// - cosine: `low + (peak − low) · ½ (1 + cos(π k / length))`, over the run, what the warm-up left
///   of it, or a cycle;
/// - one cycle: a cosine from `peak / 25` up to `peak` over the first three tenths of the updates,
///   another down to `peak / 250000`;
/// - plateau: times `factor` after more than `patience` epochs in a row whose metric is not better
///   than the best by a ten-thousandth of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    config: ScheduleConfig,
    plateau: Plateau,
}

/// What the epochs so far make of the rate, where it depends on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    #[serde(with = "exact")]
    peak: f64,
    #[serde(with = "exact")]
    rate: f64,
    #[serde(with = "exact")]
    best: f64,
    worse: usize,
}

impl Schedule {
    /// A schedule that starts.
    pub fn new(mut config: ScheduleConfig) -> Self {
        config.total = config.total.max(1);
        if config.warmup >= config.total {
            config.warmup = config.total / 10;
        }
        let plateau = Plateau {
            peak: config.peak,
            rate: config.peak,
            best: f64::NEG_INFINITY,
            worse: 0,
        };
        Self { config, plateau }
    }

    /// What the epochs so far make of the rate.
    pub fn plateau(&self) -> &Plateau {
        &self.plateau
    }

    /// Goes on from what earlier epochs made of the rate. A highest rate that is not what it was
    /// takes effect at once.
    pub fn go_on(&mut self, plateau: Plateau) {
        if plateau.peak == self.config.peak {
            self.plateau.rate = plateau.rate;
        }
        self.plateau.best = plateau.best;
        self.plateau.worse = plateau.worse;
    }

    /// The rate of update `k`, from 0.
    pub fn rate(&self, k: usize) -> f64 {
        let config = &self.config;
        let warm = config.peak * (k + 1) as f64 / (config.warmup + 1) as f64;
        let last = config.total - 1;
        match config.kind {
            ScheduleKind::WarmupCosine | ScheduleKind::Constant if k < config.warmup => warm,
            ScheduleKind::Constant => config.peak,
            ScheduleKind::WarmupCosine => {
                self.cosine(k.min(last) - config.warmup, config.total - config.warmup)
            }
            ScheduleKind::Cosine => self.cosine(k.min(last), config.total),
            ScheduleKind::CosineRestarts => {
                let mut length = config.first_cycle.unwrap_or(config.total / 4).max(1);
                let mut place = k;
                while place >= length {
                    place -= length;
                    length = length.saturating_mul(config.cycle_factor.max(1));
                }
                self.cosine(place, length)
            }
            ScheduleKind::Onecycle => self.one_cycle(k.min(last)),
            ScheduleKind::Plateau => self.plateau.rate,
        }
    }

    fn cosine(&self, place: usize, length: usize) -> f64 {
        let low = self.config.lowest.min(self.config.peak);
        between(self.config.peak, low, place as f64 / length as f64)
    }

    fn one_cycle(&self, k: usize) -> f64 {
        let peak = self.config.peak;
        let first = peak / 25.0;
        let top = (0.3 * self.config.total as f64 - 1.0).max(0.0);
        let end = (self.config.total - 1) as f64;
        let k = k as f64;
        match k < top {
            true => between(first, peak, k / top),
            false => between(peak, first / 1e4, (k - top) / (end - top).max(1.0)),
        }
    }

    /// Tells the schedule the score of an epoch, of which more is better.
    pub fn after_epoch(&mut self, score: f64) {
        let plateau = &mut self.plateau;
        let threshold = match plateau.best.is_finite() {
            true => plateau.best + 1e-4 * plateau.best.abs(),
            false => plateau.best,
        };
        if score > threshold {
            plateau.best = score;
            plateau.worse = 0;
            return;
        }
        plateau.worse += 1;
        if plateau.worse > self.config.patience {
            plateau.rate = (plateau.rate * self.config.factor).max(self.config.least);
            plateau.worse = 0;
        }
    }
}

/// Half a cosine from `start` to `end`; `progress` is in [0, 1].
fn between(start: f64, end: f64, progress: f64) -> f64 {
    end + (start - end) * 0.5 * (1.0 + (PI * progress).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: ScheduleKind, total: usize) -> ScheduleConfig {
        ScheduleConfig {
            kind,
            peak: 1e-3,
            warmup: 0,
            total,
            first_cycle: None,
            cycle_factor: 2,
            lowest: 0.0,
            patience: 5,
            factor: 0.3,
            least: 0.0,
        }
    }

    fn warmup_cosine(warmup: usize, total: usize) -> Schedule {
        Schedule::new(ScheduleConfig {
            peak: 1.0,
            warmup,
            ..config(ScheduleKind::WarmupCosine, total)
        })
    }

    fn assert_rates(schedule: &Schedule, expected: &[(usize, f64)]) {
        for &(k, rate) in expected {
            let found = schedule.rate(k);
            assert!(
                (found - rate).abs() < 1e-12,
                "update {k}: {found} for {rate}"
            );
        }
    }

    #[test]
    fn rises_then_falls_and_never_rises_again() {
        let schedule = warmup_cosine(4, 20);
        let rates: Vec<f64> = (0..25).map(|k| schedule.rate(k)).collect();
        assert!((rates[0] - 0.2).abs() < 1e-12);
        assert!((rates[4] - 1.0).abs() < 1e-12);
        assert!((rates[12] - 0.5).abs() < 1e-12);
        assert!(rates[..5].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[4..].windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(rates[19] > 0.0);
    }

    #[test]
    fn a_warmup_longer_than_the_run_is_shortened() {
        let schedule = warmup_cosine(10_000, 50);
        assert!(schedule.rate(4) < 1.0);
        assert!((schedule.rate(5) - 1.0).abs() < 1e-12);
        assert!(warmup_cosine(1, 1).rate(0) > 0.0);
    }

    #[test]
    fn a_constant_rate_is_reached_by_a_warmup() {
        let constant = ScheduleConfig {
            warmup: 3,
            ..config(ScheduleKind::Constant, 20)
        };
        assert_rates(
            &Schedule::new(constant),
            &[(0, 2.5e-4), (2, 7.5e-4), (3, 1e-3), (19, 1e-3)],
        );
    }

    // The numbers of the following tests are PyTorch's.

    #[test]
    fn cosine() {
        let schedule = Schedule::new(config(ScheduleKind::Cosine, 20));
        assert_rates(
            &schedule,
            &[
                (0, 1e-3),
                (1, 0.000_993_844_170_297_568_8),
                (5, 0.000_853_553_390_593_273_7),
                (7, 0.000_726_995_249_869_773_4),
            ],
        );
    }

    #[test]
    fn cosine_with_restarts() {
        let schedule = Schedule::new(ScheduleConfig {
            lowest: 1e-6,
            ..config(ScheduleKind::CosineRestarts, 20)
        });
        assert_rates(
            &schedule,
            &[
                (1, 0.000_904_603_988_690_286_4),
                (4, 9.639_601_130_971_382e-5),
                (5, 1e-3),
                (6, 0.000_975_552_729_889_429_4),
                (7, 0.000_904_603_988_690_286_4),
                (15, 1e-3),
            ],
        );
    }

    #[test]
    fn one_cycle() {
        let schedule = Schedule::new(config(ScheduleKind::Onecycle, 20));
        assert_rates(
            &schedule,
            &[
                (0, 4e-5),
                (1, 0.000_131_671_842_700_025_2),
                (4, 0.000_908_328_157_299_974_7),
                (5, 1e-3),
                (6, 0.000_987_464_006_235_087_5),
                (19, 4e-9),
            ],
        );
    }

    #[test]
    fn plateau() {
        let mut schedule = Schedule::new(ScheduleConfig {
            patience: 2,
            ..config(ScheduleKind::Plateau, 20)
        });
        let mut rates = Vec::new();
        for loss in [1.0, 0.9, 0.95, 0.96, 0.97, 0.98, 0.5, 0.6] {
            rates.push(schedule.rate(rates.len()));
            schedule.after_epoch(-loss);
        }
        assert_eq!(rates, [1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 3e-4, 3e-4, 3e-4]);
    }
}
