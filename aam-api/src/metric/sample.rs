//! What metrics are computed from.

use super::info::MetricOf;

/// A predicted and an actual number, in the target's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Number {
    /// The predicted number.
    pub predicted: f64,
    /// The actual number.
    pub actual: f64,
}

/// A prediction interval and the actual number, in the target's unit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Interval {
    /// Its lower bound.
    pub low: f64,
    /// Its upper bound.
    pub high: f64,
    /// The actual number.
    pub actual: f64,
}

/// Predicted class probabilities and the actual class.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Class<'a> {
    /// Probability of each class.
    pub probabilities: &'a [f64],
    /// Indices of the classes in the prediction set, if there is one.
    pub set: Option<&'a [usize]>,
    /// Index of the actual class.
    pub actual: usize,
}

/// A prediction set of classes and the actual class.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassSet<'a> {
    /// Indices of its classes.
    pub classes: &'a [usize],
    /// Index of the actual class.
    pub actual: usize,
}

/// The prediction for one target of one sample, and its actual value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sample<'a> {
    /// A number, with the bounds of a prediction interval if there is one.
    Number(Number, Option<(f64, f64)>),
    /// Class probabilities.
    Class(Class<'a>),
}

impl<'a> Sample<'a> {
    /// A number, and the lower and upper bound of a prediction interval if there is one.
    pub fn number(predicted: f64, interval: Option<(f64, f64)>, actual: f64) -> Self {
        Self::Number(Number { predicted, actual }, interval)
    }

    /// Class probabilities, and the index of the actual class.
    pub fn class(probabilities: &'a [f64], actual: usize) -> Self {
        Self::Class(Class {
            probabilities,
            set: None,
            actual,
        })
    }

    /// Sets the indices of the classes in the prediction set; a number has none.
    #[must_use]
    pub fn with_set(self, set: &'a [usize]) -> Self {
        match self {
            Self::Class(class) => Self::Class(Class {
                set: Some(set),
                ..class
            }),
            number @ Self::Number(..) => number,
        }
    }
}

/// What a metric is computed from: [`Numbers`], [`Intervals`], [`Classes`] or [`Sets`].
pub trait Predicted: sealed::Sealed + 'static {
    /// The part of a sample that is used.
    type Sample<'a>;
    /// The same, for descriptors.
    const OF: MetricOf;

    /// The part of `sample` that is used, if it has it.
    #[doc(hidden)]
    fn of<'a>(sample: &Sample<'a>) -> Option<Self::Sample<'a>>;
}

/// Predicted numbers: each sample is a [`Number`].
#[derive(Clone, Copy, Debug)]
pub struct Numbers;

/// Prediction intervals: each sample is an [`Interval`]. Samples without one are left out; if none has
/// one, the metric is left out.
#[derive(Clone, Copy, Debug)]
pub struct Intervals;

/// Class probabilities: each sample is a [`Class`].
#[derive(Clone, Copy, Debug)]
pub struct Classes;

/// Prediction sets of classes: each sample is a [`ClassSet`]. Samples without one are left out; if none
/// has one, the metric is left out.
#[derive(Clone, Copy, Debug)]
pub struct Sets;

impl Predicted for Numbers {
    type Sample<'a> = Number;
    const OF: MetricOf = MetricOf::Numbers;

    fn of<'a>(sample: &Sample<'a>) -> Option<Number> {
        match sample {
            Sample::Number(number, _) => Some(*number),
            Sample::Class(_) => None,
        }
    }
}

impl Predicted for Intervals {
    type Sample<'a> = Interval;
    const OF: MetricOf = MetricOf::Intervals;

    fn of<'a>(sample: &Sample<'a>) -> Option<Interval> {
        match sample {
            Sample::Number(number, Some((low, high))) => Some(Interval {
                low: *low,
                high: *high,
                actual: number.actual,
            }),
            _ => None,
        }
    }
}

impl Predicted for Classes {
    type Sample<'a> = Class<'a>;
    const OF: MetricOf = MetricOf::Classes;

    fn of<'a>(sample: &Sample<'a>) -> Option<Class<'a>> {
        match sample {
            Sample::Class(class) => Some(*class),
            Sample::Number(..) => None,
        }
    }
}

impl Predicted for Sets {
    type Sample<'a> = ClassSet<'a>;
    const OF: MetricOf = MetricOf::Sets;

    fn of<'a>(sample: &Sample<'a>) -> Option<ClassSet<'a>> {
        match sample {
            Sample::Class(Class {
                set: Some(classes),
                actual,
                ..
            }) => Some(ClassSet {
                classes,
                actual: *actual,
            }),
            _ => None,
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Numbers {}
    impl Sealed for super::Intervals {}
    impl Sealed for super::Classes {}
    impl Sealed for super::Sets {}
}
