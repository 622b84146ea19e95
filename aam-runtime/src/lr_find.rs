//! The learning-rate range test (Smith, *Cyclical learning rates for training neural networks*,
//! 2017): records the loss while the learning rate rises from update to update.

mod rate_plot;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use aam_api::options::Facts;
use aam_core::text::counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_report::watch::{Watch, WatchOptions};
use aam_run::RunError;
use aam_run::events::{Event, Observer, Outcome};
use aam_train::inference::FineTuned;
use aam_train::trainer::trial_updates::TrialEvent;

use crate::options::TrainOptions;
use crate::stages::{
    DividedStudy, MatchedStudy, PreparedTraining, TrainingSettings, TrainingSetup,
};
use rate_plot::plot;

/// Weight of a new loss in the moving average.
const SMOOTHING: f64 = 0.05;
/// The test ends when the smoothed loss exceeds its minimum by this factor.
const TOO_MUCH: f64 = 5.0;
/// Fewer updates are not informative.
const LEAST_POINTS: usize = 10;

/// Options of `aam lr-find`: those of `aam train`, which define the run to test.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct RateRangeOptions {
    /// Training options.
    #[serde(flatten)]
    pub train: TrainOptions,
    /// Learning rate of the first update.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().because("as in the reference")
    )]
    pub start_lr: f64,
    /// Learning rate of the last update.
    #[schemars(
        extend("exclusiveMinimum" = 0),
        transform = Facts::new().because("as in the reference")
    )]
    pub end_lr: f64,
    /// Number of updates, each with a higher learning rate than the one before.
    #[schemars(range(min = LEAST_POINTS, max = 1_000_000), transform = Facts::new().because("as in the reference"))]
    pub lr_steps: usize,
}

impl Default for RateRangeOptions {
    fn default() -> Self {
        Self {
            train: TrainOptions::default(),
            start_lr: 1e-7,
            end_lr: 10.0,
            lr_steps: 100,
        }
    }
}

/// The learning rates to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RangeConfig {
    /// The first rate.
    pub start: f64,
    /// The last rate.
    pub end: f64,
    /// The number of rates.
    pub steps: usize,
}

impl RangeConfig {
    fn read(options: &RateRangeOptions) -> Result<Self, RunError> {
        let (start, end, steps) = (options.start_lr, options.end_lr, options.lr_steps);
        if start >= end {
            let problem = format!("expected a number above --start-lr {start}");
            return Err(RunError::value("end-lr", end.to_string(), problem));
        }
        Ok(Self { start, end, steps })
    }

    /// The rates `start · (end / start)^(i / (steps − 1))`.
    pub fn rates(&self) -> impl Iterator<Item = f64> + use<> {
        let Self { start, end, steps } = *self;
        let last = steps.saturating_sub(1).max(1) as f64;
        (0..steps).map(move |i| start * (end / start).powf(i as f64 / last))
    }
}

/// A point of the loss curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// The learning rate.
    pub rate: f64,
    /// The loss before the update at this rate.
    pub loss: f64,
    /// The bias-corrected exponential moving average of the loss.
    pub smoothed: f64,
}

/// Losses at rising learning rates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateCurve {
    /// The points, from low to high rates.
    pub points: Vec<RatePoint>,
    average: f64,
}

impl RateCurve {
    /// Adds the next point, unless the loss is NaN. Returns whether the test continues.
    pub fn add(&mut self, rate: f64, loss: f64) -> bool {
        if !loss.is_finite() {
            return false;
        }
        self.average = SMOOTHING * loss + (1.0 - SMOOTHING) * self.average;
        let seen = self.points.len() as i32 + 1;
        let smoothed = self.average / (1.0 - (1.0 - SMOOTHING).powi(seen));
        self.points.push(RatePoint {
            rate,
            loss,
            smoothed,
        });
        let smoothed = self.points.iter().map(|point| point.smoothed);
        let least = smoothed.fold(f64::INFINITY, f64::min);
        // A loss that can be negative has no meaningful multiple.
        least <= 0.0
            || self.points.len() < LEAST_POINTS
            || self
                .points
                .last()
                .is_none_or(|point| point.smoothed < TOO_MUCH * least)
    }

    /// The rate at which the loss falls fastest per decade, before it reaches its minimum. `None`
    /// if there are too few points or the loss never falls.
    ///
    /// Slopes and means are taken over the points within a decade around each point: the moving
    /// average lags by as many points as it averages, which is a factor of ten in the rate or more.
    pub fn suggestion(&self) -> Option<f64> {
        let points = &self.points;
        if points.len() < LEAST_POINTS {
            return None;
        }
        let decades = (points.last()?.rate / points.first()?.rate).log10();
        let per_decade = (points.len() - 1) as f64 / decades;
        let size = (per_decade.round() as usize).clamp(5, points.len());
        let windows: Vec<&[RatePoint]> = points.windows(size).collect();
        let means = windows.iter().map(|window| mean(window, |p| p.loss));
        let means = means.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        let least = means.map_or(0, |(place, _)| place);
        let slopes = windows[..=least].iter().map(|window| slope(window));
        let steepest = slopes.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        let (place, _) = steepest.filter(|(_, slope)| *slope < 0.0)?;
        Some(windows[place][size / 2].rate)
    }

    /// Formats the curve as TSV, one line per point.
    pub fn tsv(&self) -> String {
        let mut text = String::from("learning_rate\tloss\tsmoothed_loss\n");
        for point in &self.points {
            let RatePoint {
                rate,
                loss,
                smoothed,
            } = point;
            text.push_str(&format!("{rate:e}\t{loss}\t{smoothed}\n"));
        }
        text
    }
}

fn mean(points: &[RatePoint], of: impl Fn(&RatePoint) -> f64) -> f64 {
    points.iter().map(of).sum::<f64>() / points.len() as f64
}

/// The least-squares slope of the loss over the logarithm of the rate.
fn slope(points: &[RatePoint]) -> f64 {
    let x = mean(points, |point| point.rate.log10());
    let y = mean(points, |point| point.loss);
    let products = mean(points, |point| (point.rate.log10() - x) * (point.loss - y));
    products / mean(points, |point| (point.rate.log10() - x).powi(2))
}

/// The result of `aam lr-find`.
#[derive(Clone, Debug)]
pub struct FoundRate {
    /// The losses.
    pub curve: RateCurve,
    /// The suggested maximum learning rate of a run.
    pub suggestion: Option<f64>,
    /// Path of the table.
    pub table: PathBuf,
    /// Path of the plot.
    pub plot: PathBuf,
}

/// Tries rising learning rates on the run described by `options`, and writes the table and the
/// plot.
///
/// # Errors
/// Those of [`train`](crate::training::train), and rates out of range.
pub fn find_rate(
    options: &RateRangeOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<FoundRate, RunError> {
    refuse_other_runs(&options.train)?;
    let config = RangeConfig::read(options)?;
    Watch::over_with("lr-find", observer, |watch| {
        let found = tried(options, &config, watch, interrupt)?;
        watch.observe(&Event::Note(&found.text()))?;
        watch.observe(&Event::Concluded {
            summary: &found.summary(),
            metric: None,
        })?;
        watch.observe(&Event::Saved(&found.table))?;
        watch.observe(&Event::Saved(&found.plot))?;
        let outcome = match interrupt.load(Ordering::Relaxed) {
            true => Outcome::Interrupted,
            false => Outcome::Finished,
        };
        Ok((outcome, found))
    })
}

/// Tries the rates, and writes the table and the plot.
fn tried(
    options: &RateRangeOptions,
    config: &RangeConfig,
    watch: &mut Watch<'_>,
    interrupt: &AtomicBool,
) -> Result<FoundRate, RunError> {
    let setup = TrainingSetup::for_trial(TrainingSettings::of_run(&options.train)?, watch)?;
    let study = MatchedStudy::of(&setup, watch)?;
    let divided = DividedStudy::new(&setup, &study, watch)?;
    let prepared = PreparedTraining::new(&divided, watch)?;
    let run = prepared.directory()?;
    watch.begin(&run, options, WatchOptions::RECORD, None)?;
    let ready = prepared.ready(watch)?;
    let mut curve = RateCurve::default();
    let mut watcher = |_: &FineTuned, observer: &mut dyn Observer, event| match event {
        TrialEvent::Updated => Ok(true),
        TrialEvent::Gradients { step, rate, loss } => {
            observer.observe(&Event::Progress {
                what: "trying learning rates",
                done: step,
                total: config.steps,
            })?;
            Ok(curve.add(rate, loss))
        }
    };
    // The model is left as it is; its updated copy is discarded.
    ready.try_updates(&mut config.rates(), &mut watcher, watch, interrupt)?;
    Ok(FoundRate {
        table: run.write("lr_find.tsv", &curve.tsv())?,
        plot: run.write("lr_find.svg", &plot(&curve)?)?,
        suggestion: curve.suggestion(),
        curve,
    })
}

/// Rejects options of `aam train` that the test does not support.
fn refuse_other_runs(options: &TrainOptions) -> Result<(), RunError> {
    if options.split.cross_validates() {
        return Err(RunError::setting(
            "folds",
            "the test uses a single split; leave out --folds and --leave-one-group-out",
        ));
    }
    if options.memory.is_measured() {
        let problem = "`aam train` measures memory; give the batch size that it found";
        return Err(RunError::setting(options.memory.first(), problem));
    }
    match options.optimization.resume {
        false => Ok(()),
        true => Err(RunError::setting(
            "resume",
            "the test starts from the initial weights, not from a saved run; leave it out",
        )),
    }
}

impl FoundRate {
    /// The suggestion in a few words.
    fn summary(&self) -> String {
        match self.suggestion {
            Some(rate) => format!("suggests --lr {rate:.1e}"),
            None => "suggests no rate".to_owned(),
        }
    }

    fn text(&self) -> String {
        let updates = counted(self.curve.points.len(), "update");
        match self.suggestion {
            Some(rate) => format!(
                "after {updates}: the loss falls fastest at a learning rate of {rate:.1e}; try --lr {rate:.1e}"
            ),
            None => format!(
                "after {updates}: the loss fell at none of these learning rates; check the plot, or try others with --start-lr and --end-lr"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(loss: impl Fn(f64) -> f64) -> RateCurve {
        let config = RangeConfig {
            start: 1e-6,
            end: 1.0,
            steps: 121,
        };
        let mut curve = RateCurve::default();
        let mut rates = config.rates();
        let _ = rates.all(|rate| curve.add(rate, loss(rate.log10())));
        curve
    }

    #[test]
    fn rates_rise_by_the_same_factor() {
        let config = RangeConfig {
            start: 1e-4,
            end: 1.0,
            steps: 5,
        };
        let rates: Vec<f64> = config.rates().collect();
        for (rate, expected) in rates.iter().zip([1e-4, 1e-3, 1e-2, 1e-1, 1.0]) {
            assert!((rate / expected - 1.0).abs() < 1e-12);
        }
        assert_eq!(rates.len(), 5);
    }

    /// A loss that falls around a rate of 0.001 and explodes at 0.1.
    #[test]
    fn the_steepest_fall_is_suggested_and_the_explosion_ends_the_test() {
        let loss = |log: f64| {
            let explosion = if log > -1.0 { (log + 1.0) * 1e4 } else { 0.0 };
            2.0 - 1.5 / (1.0 + (-6.0 * (log + 3.0)).exp()) + explosion
        };
        let curve = curve(loss);
        let last = curve.points.last().unwrap().rate;
        assert!((0.1..0.2).contains(&last), "{last}");
        let found = curve.suggestion().unwrap();
        assert!((6e-4..1.6e-3).contains(&found), "{found}");
    }

    #[test]
    fn nothing_is_suggested_where_nothing_falls() {
        assert_eq!(curve(|_| 1.0).suggestion(), None);
        assert_eq!(curve(|log| 7.0 + log).suggestion(), None);
        let mut short = RateCurve::default();
        for i in 0..9 {
            short.add(1e-3 * f64::from(i + 1), 1.0 / f64::from(i + 1));
        }
        assert_eq!(short.suggestion(), None);
        assert!(!short.add(1.0, f64::NAN));
    }

    #[test]
    fn the_average_is_bias_corrected() {
        let curve = curve(|_| 3.0);
        assert!(
            curve
                .points
                .iter()
                .all(|p| (p.smoothed - 3.0).abs() < 1e-12)
        );
        assert_eq!(curve.tsv().lines().count(), 122);
    }
}
