//! Schedules, for runs of several lengths.

use serde_json::{Map, Value};

use super::numbers::Numbers;
use super::{Check, Conformance, ensure, plugin};
use crate::{Plugin, Schedule, ScheduleContext, ScheduleKind};

/// Updates of the tested runs.
const TOTALS: [usize; 5] = [1, 2, 10, 50, 1000];
/// Highest learning rates of the tested runs.
const PEAKS: [f64; 2] = [1e-3, 1.0];
/// Number of epochs whose scores are passed to the schedule.
const EPOCHS: usize = 24;

type Build<'a> = &'a dyn Fn(f64, usize) -> Result<Box<dyn Schedule>, String>;

impl Conformance for ScheduleKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let build_with = |options: &Map<String, Value>, peak, total| {
            let context = ScheduleContext::new(peak, total);
            let built = plugin::build(plugin, options, &context)?;
            built.ok_or_else(|| format!("refuses a run of {total} updates"))
        };
        for peak in PEAKS {
            for total in TOTALS {
                let build: Build<'_> = &|peak, total| build_with(options, peak, total);
                check_rates(&*build(peak, total)?, peak, total)?;
                check_resuming(build, peak, total)?;
            }
        }
        if plugin
            .options()
            .iter()
            .any(|option| option.name == "warmup")
        {
            for (warmup, total) in [(5.0, 50), (0.1, 50)] {
                let mut options = options.clone();
                options.insert("warmup".to_owned(), Value::from(warmup));
                check_warmup(&*build_with(&options, 1.0, total)?, warmup)?;
            }
        }
        Ok(())
    }
}

crate::register_suite!(ScheduleKind);

/// The learning rates of a run and of some updates after it.
fn rates(schedule: &dyn Schedule, total: usize) -> Vec<f64> {
    (0..total + 10)
        .map(|update| schedule.rate(update))
        .collect()
}

fn check_rates(schedule: &dyn Schedule, peak: f64, total: usize) -> Check {
    let found = rates(schedule, total);
    for (update, rate) in found.iter().enumerate() {
        ensure!(
            rate.is_finite() && *rate >= 0.0,
            "update {update} of {total} has the rate {rate}"
        );
        ensure!(
            *rate <= peak * (1.0 + 1e-9),
            "update {update} of {total} has the rate {rate}, above the highest rate, {peak}"
        );
    }
    ensure!(
        found.iter().any(|rate| *rate > 0.0),
        "a run of {total} updates learns nothing: all rates are 0"
    );
    let backwards = (0..found.len()).rev().map(|update| schedule.rate(update));
    ensure!(
        backwards.eq(found.into_iter().rev()),
        "the rate of an update changes when it is requested again"
    );
    Ok(())
}

/// Scores that rise, stagnate and fall, like those of a run.
fn scores() -> Vec<f64> {
    let mut numbers = Numbers::new(21);
    let noise = |numbers: &mut Numbers| f64::from(numbers.normal());
    (0..EPOCHS)
        .map(|epoch| match epoch {
            0..6 => epoch as f64,
            6..14 => 5.0,
            _ => 4.0 + noise(&mut numbers),
        })
        .collect()
}

/// A schedule that resumes from a state has the rates of one that never stopped.
fn check_resuming(build: Build<'_>, peak: f64, total: usize) -> Check {
    let scores = scores();
    for stop in 0..EPOCHS {
        let mut unbroken = build(peak, total)?;
        for &score in &scores[..stop] {
            unbroken.after_epoch(score);
        }
        let text = unbroken.state().to_string();
        let state: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let mut resumed = build(peak, total)?;
        let going_on = resumed.resume(&state);
        going_on.map_err(|error| format!("does not resume from its own state: {error}"))?;
        for (epoch, &score) in scores.iter().enumerate().skip(stop) {
            check_rates(&*unbroken, peak, total)?;
            ensure!(
                rates(&*unbroken, total) == rates(&*resumed, total),
                "a run of {total} updates that was stopped after epoch {stop} has other rates after \
                 epoch {epoch} than one that was not"
            );
            unbroken.after_epoch(score);
            resumed.after_epoch(score);
        }
    }
    Ok(())
}

fn check_warmup(schedule: &dyn Schedule, warmup: f64) -> Check {
    let found: Vec<f64> = (0..7).map(|update| schedule.rate(update)).collect();
    ensure!(
        found[0] > 0.0 && found[..6].windows(2).all(|pair| pair[0] < pair[1]),
        "with a warmup of {warmup} of 50 updates, the first rates, {found:?}, do not rise from above \
         0 over five updates"
    );
    ensure!(
        (found[5] - 1.0).abs() < 1e-9,
        "with a warmup of {warmup} of 50 updates, the sixth has the rate {} instead of the highest, 1",
        found[5]
    );
    Ok(())
}
