//! Target columns and what is predicted of them.

/// A target column.
#[derive(Clone, Debug)]
pub struct RawColumn {
    /// Name of the metadata column.
    pub name: String,
    /// Class names, where the column holds classes: by value where all are numbers, else as text.
    pub classes: Option<Vec<String>>,
    /// Numbers or class indices, one per sample.
    pub values: Vec<f64>,
}

/// What is predicted of one target of one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetPrediction {
    /// A number in the target's unit, with the ends of an interval if the loss gives one.
    Number {
        /// The best single value.
        value: f64,
        /// Lower and upper end.
        interval: Option<(f64, f64)>,
    },
    /// Classes.
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

/// A sample that was held out, and what is predicted of it.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// Row of the table.
    pub row: usize,
    /// One prediction per target.
    pub predictions: Vec<TargetPrediction>,
}
