//! Target columns and their predictions.

/// A target column.
#[derive(Clone, Debug)]
pub struct RawColumn {
    /// Name of the metadata column.
    pub name: String,
    /// Class names for a classification target, sorted by value if all are numbers, otherwise as
    /// text.
    pub classes: Option<Vec<String>>,
    /// Numbers or class indices, one per sample.
    pub values: Vec<f64>,
}

/// The prediction of one target for one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetPrediction {
    /// A number in the target's unit, with an interval if the loss provides one.
    Number {
        /// The point prediction.
        value: f64,
        /// Lower and upper bound.
        interval: Option<(f64, f64)>,
    },
    /// Class probabilities.
    Classes {
        /// Probability of each class.
        probabilities: Vec<f64>,
        /// Indices of the classes in the prediction set, the most probable first, if there is one.
        set: Option<Vec<usize>>,
    },
}

impl TargetPrediction {
    /// Probabilities of the classes, without a prediction set.
    pub fn classes(probabilities: Vec<f64>) -> Self {
        Self::Classes {
            probabilities,
            set: None,
        }
    }
}

/// A held-out sample and its predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// Row of the table.
    pub row: usize,
    /// One prediction per target.
    pub predictions: Vec<TargetPrediction>,
}
