//! Metrics.

use serde_json::{Map, Value};

use super::numbers::Numbers;
use super::{Check, Conformance, ensure, plugin};
use crate::Plugin;
use crate::metric::{
    Better, BoxedMetric, MetricContext, MetricInfo, MetricKind, MetricName, OnConstants, Sample,
};

/// Samples in a set.
const SAMPLES: usize = 60;
/// Classes of categorical targets.
const CLASSES: usize = 3;

/// A sample that owns its values.
#[derive(Clone)]
enum Owned {
    Number(f64, (f64, f64), f64),
    /// Probabilities, prediction set and actual class.
    Class(Vec<f64>, Vec<usize>, usize),
}

impl Owned {
    fn sample(&self) -> Sample<'_> {
        match self {
            Self::Number(predicted, interval, actual) => {
                Sample::number(*predicted, Some(*interval), *actual)
            }
            Self::Class(probabilities, set, actual) => {
                Sample::class(probabilities, *actual).with_set(set)
            }
        }
    }

    /// The same sample in another unit, `factor` times smaller.
    fn scaled(&self, factor: f64) -> Self {
        match self {
            Self::Number(predicted, (low, high), actual) => Self::Number(
                predicted * factor,
                (low * factor, high * factor),
                actual * factor,
            ),
            class => class.clone(),
        }
    }
}

/// The metric before any sample is added.
struct Subject {
    begun: BoxedMetric,
    info: MetricInfo,
}

impl Conformance for MetricKind {
    const BETWEEN_WORDS: char = '_';

    fn check(plugin: &Plugin<MetricKind>, options: &Map<String, Value>) -> Check {
        let begin = |classes| plugin::build(plugin, options, &MetricContext::new(classes));
        let begun = [begin(0)?, begin(CLASSES)?].into_iter().flatten().next();
        let begun = begun.ok_or("refuses every target, numbers and classes")?;
        let info = *begun.info();
        let subject = Subject { begun, info };
        check_descriptor(&info)?;
        subject.check_direction()?;
        subject.check_constants()?;
        for seed in 1..=3 {
            let samples = samples(&info, 1.0, &mut Numbers::new(seed));
            let value = subject.value(&samples);
            ensure!(value.is_finite(), "it is {value} for ordinary predictions");
            let again = subject.value(&samples);
            ensure!(value == again, "the same samples give {value} and {again}");
            subject.check_order(&samples, value, &mut Numbers::new(seed))?;
            subject.check_merging(&samples, value)?;
            subject.check_unit(&samples, value)?;
        }
        Ok(())
    }
}

crate::register_suite!(MetricKind);

/// The name is parsed as that of this metric alone, and there is a label for users.
fn check_descriptor(info: &MetricInfo) -> Check {
    let name = info.name;
    ensure!(!info.label.is_empty(), "it has no label for users");
    let read = MetricName::read(name);
    let is_it = |read: &MetricName<'_>| {
        read.metric.name == name && !read.of_training && read.subject.is_none()
    };
    ensure!(
        // The suite may be run on a metric that is not registered.
        read.is_none_or(|read| is_it(&read)),
        "the name is that of a training loss or of something learned in addition to targets: {read:?}"
    );
    ensure!(
        !name.starts_with("train_"),
        "names that begin with train_ are reserved for metrics of training batches"
    );
    Ok(())
}

/// Predictions whose errors grow with `noise`: intervals shift and widen, the wrong class becomes more
/// probable and sets become larger.
fn samples(info: &MetricInfo, noise: f64, numbers: &mut Numbers) -> Vec<Owned> {
    let mut normal = || f64::from(numbers.normal());
    let sample = |index: usize| {
        let (signal, error) = (normal(), noise * normal());
        if !info.of.needs_classes() {
            let actual = 10.0 + 4.0 * signal;
            let predicted = actual + error;
            let half = 0.25 + noise;
            return Owned::Number(predicted, (predicted - half, predicted + half), actual);
        }
        let actual = index % CLASSES;
        let strengths: Vec<f64> = (0..CLASSES)
            .map(|class| 4.0 * f64::from(u8::from(class == actual)) + 3.0 * noise * normal())
            .map(f64::exp)
            .collect();
        let sum: f64 = strengths.iter().sum();
        let mut set: Vec<usize> = (0..CLASSES).collect();
        set.sort_by(|&a, &b| strengths[b].total_cmp(&strengths[a]));
        // In ordinary predictions, half of the sets have one more class.
        let is_unsure = noise > 0.75 + 0.5 * (index % 2) as f64;
        set.truncate(1 + usize::from(is_unsure));
        let probabilities = strengths.iter().map(|s| s / sum).collect();
        Owned::Class(probabilities, set, actual)
    };
    (0..SAMPLES).map(sample).collect()
}

impl Subject {
    fn of(&self, samples: &[Owned]) -> BoxedMetric {
        let mut metric = self.begun.clone();
        samples.iter().for_each(|s| metric.add(&s.sample()));
        metric
    }

    fn value(&self, samples: &[Owned]) -> f64 {
        self.of(samples).value()
    }

    /// Perfect predictions score better than slightly wrong ones, and those better than bad ones.
    fn check_direction(&self) -> Check {
        let value = |noise| self.value(&self.by_quality(noise));
        let (perfect, good, bad) = (value(0.0), value(0.5), value(4.0));
        let better = |a: f64, b: f64| match self.info.better {
            Better::Higher => a > b,
            Better::Lower => a < b,
            Better::Neither => true,
        };
        ensure!(
            better(perfect, bad) && !better(bad, good) && !better(good, perfect),
            "its direction is {:?}, but it is {perfect} for perfect predictions, {good} for good \
             and {bad} for bad ones",
            self.info.better
        );
        Ok(())
    }

    /// Predictions with errors of size `noise`; the intervals of bad ones miss the actual value.
    fn by_quality(&self, noise: f64) -> Vec<Owned> {
        let mut all = samples(&self.info, noise, &mut Numbers::new(5));
        for sample in &mut all {
            if let Owned::Number(predicted, (low, high), actual) = sample {
                let off = if noise > 1.0 { 8.0 * noise } else { 0.0 };
                let half = (*high - *low) / 2.0;
                let middle = if noise > 1.0 {
                    *actual + off
                } else {
                    *predicted
                };
                (*low, *high) = (middle - half, middle + half);
            }
        }
        all
    }

    /// If all true values are equal, it has the value that the descriptor declares.
    fn check_constants(&self) -> Check {
        let mut samples = samples(&self.info, 1.0, &mut Numbers::new(9));
        for sample in &mut samples {
            match sample {
                Owned::Number(_, _, actual) => *actual = 10.0,
                Owned::Class(_, _, actual) => *actual = 0,
            }
        }
        let value = self.value(&samples);
        let agrees = match self.info.on_constants {
            OnConstants::Number => value.is_finite(),
            OnConstants::Always(always) => value == always,
            OnConstants::NotANumber => value.is_nan(),
        };
        ensure!(
            agrees,
            "it is {value} if all true values are equal, but is described as {:?}",
            self.info.on_constants
        );
        Ok(())
    }

    fn check_order(&self, samples: &[Owned], value: f64, numbers: &mut Numbers) -> Check {
        let mut shuffled = samples.to_vec();
        for place in (1..shuffled.len()).rev() {
            shuffled.swap(place, numbers.below(place + 1));
        }
        let other = self.value(&shuffled);
        ensure!(
            is_close(value, other),
            "it is {value}, but {other} for the same samples in another order"
        );
        Ok(())
    }

    /// Merged sets give the same value as one set, whatever their sizes.
    fn check_merging(&self, samples: &[Owned], value: f64) -> Check {
        for first in [0, 1, SAMPLES / 3, SAMPLES] {
            let mut metric = self.of(&samples[..first]);
            ensure!(
                metric.merge(self.of(&samples[first..])),
                "it cannot be merged with another instance of itself"
            );
            let merged = metric.value();
            ensure!(
                is_close(value, merged),
                "it is {value}, but {merged} for the same samples merged from {first} and {}",
                SAMPLES - first
            );
        }
        Ok(())
    }

    /// In another unit it keeps its value or, if it has the unit of the target, scales with it.
    fn check_unit(&self, samples: &[Owned], value: f64) -> Check {
        let scaled: Vec<Owned> = samples.iter().map(|sample| sample.scaled(4.0)).collect();
        let expected = if self.info.in_unit {
            4.0 * value
        } else {
            value
        };
        let found = self.value(&scaled);
        ensure!(
            self.info.of.needs_classes() || is_close(expected, found),
            "it is {value}, but {found} for numbers four times as large, and is described as {}",
            match self.info.in_unit {
                true => "in the unit of the target",
                false => "without a unit",
            }
        );
        Ok(())
    }
}

/// Equal up to the last bits.
fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3)
}
