//! Export of trained models to [ONNX](https://onnx.ai), a format that other programs run.
//!
//! A component that can be exported adds its computation to a [`Graph`] in an optional method of its
//! trait (`export`, in [`Fusion`](crate::Fusion) `export_profile` and `export_pooled`), which by default
//! returns `None`: the component cannot be exported, and `aam export` reports this before it writes
//! anything. The methods see [`Value`]s where `forward` and `predict` see tensors, and do the same with
//! them, without dropout:
//!
//! ```
//! use aam_api::export::{ExportedCategories, Graph, Value};
//! use aam_api::{Head, HeadInput, HeadOutput};
//! use burn::nn::Linear;
//!
//! struct PlainHead {
//!     layer: Linear,
//! }
//!
//! impl Head for PlainHead {
//!     fn forward(&self, input: HeadInput) -> HeadOutput {
//!         HeadOutput::from_columns(self.layer.forward(input.pooled), 1)
//!     }
//!
//!     fn export(
//!         &self,
//!         graph: &mut Graph,
//!         pooled: &Value,
//!         _: Option<&ExportedCategories>,
//!     ) -> Option<Value> {
//!         Some(graph.linear(pooled, &self.layer))
//!     }
//! }
//! ```

mod graph;
mod messages;
mod operators;

pub use graph::{Attribute, Axis, Element, Graph, Number, Value};
pub use messages::{
    AttributeProto, Dimension, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetProto,
    ShapeProto, TensorProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The categories of samples in a graph, as [`Categories`](crate::Categories).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportedCategories {
    /// Id of each sample in each column, 64-bit integers `[samples, columns]`.
    pub ids: Value,
    /// Embedding of each column, `[samples, width of the column]`.
    pub columns: Vec<Value>,
    /// All embeddings concatenated, `[samples, CategorySchema::width]`.
    pub joined: Value,
}

impl ExportedCategories {
    /// Categories with these ids and the embeddings of each column, which are concatenated.
    pub fn new(graph: &mut Graph, ids: Value, columns: Vec<Value>) -> Self {
        Self {
            joined: graph.concat(&columns, 1),
            ids,
            columns,
        }
    }
}

/// The features of samples in a graph, as [`SampleFeatures`](crate::SampleFeatures); 32-bit numbers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportedFeatures {
    /// Relative abundances, `[samples, asvs + clades]`.
    pub shares: Value,
    /// Centred log-abundances, `[samples, asvs + clades]`.
    pub log_ratios: Value,
    /// Categories, one-hot, `[samples, levels]`, if the model has any.
    pub categories: Option<Value>,
}

impl ExportedFeatures {
    /// Features of these abundances and categories.
    pub fn new(shares: Value, log_ratios: Value, categories: Option<Value>) -> Self {
        Self {
            shares,
            log_ratios,
            categories,
        }
    }

    /// Abundances `abundances`, `[samples, asvs + clades]`, and the categories after them.
    pub fn with_categories(&self, graph: &mut Graph, abundances: Value) -> Value {
        match &self.categories {
            Some(categories) => graph.concat(&[abundances, categories.clone()], 1),
            None => abundances,
        }
    }
}

/// The prediction of a target in a graph, as [`Prediction`](crate::Prediction).
#[derive(Clone, Debug)]
pub enum ExportedPrediction {
    /// A number per sample, `[samples, 1]`.
    Number {
        /// The best single value.
        value: Value,
        /// Lower and upper bound of a prediction interval.
        interval: Option<(Value, Value)>,
    },
    /// The probability of each class, `[samples, classes]`.
    Classes(Value),
}

impl ExportedPrediction {
    /// A number without interval.
    pub fn number(value: Value) -> Self {
        Self::Number {
            value,
            interval: None,
        }
    }
}
