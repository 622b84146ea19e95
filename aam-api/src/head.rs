//! Heads: from a sample's embedding to the raw outputs of every target.

use burn::tensor::Tensor;
use serde_json::{Map, Value};

use crate::{Categories, CategorySchema, Kind, Observation, PluginError, Stage};

/// What a head is built for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeadContext {
    /// Width of a sample's embedding.
    pub dim: usize,
    /// Number of target columns.
    pub targets: usize,
    /// Outputs of each target, as the losses of the run ask (quantiles, classes); the most that
    /// any of them asks.
    pub outputs_per_target: usize,
    /// The categorical columns of the run, empty without any.
    pub categories: CategorySchema,
}

impl HeadContext {
    /// Embeddings of the width `dim` and so many targets, in a run without categorical columns.
    pub fn new(dim: usize, targets: usize, outputs_per_target: usize) -> Self {
        Self {
            dim,
            targets,
            outputs_per_target,
            categories: CategorySchema::default(),
        }
    }

    /// In a run with these categorical columns.
    #[must_use]
    pub fn with_categories(self, categories: CategorySchema) -> Self {
        Self { categories, ..self }
    }

    /// Number of outputs altogether.
    pub fn outputs(&self) -> usize {
        self.targets * self.outputs_per_target
    }

    /// Checks that the run has categorical columns, for the head called `head`.
    ///
    /// # Errors
    /// No categorical column.
    pub fn expect_categories(&self, head: &str) -> Result<(), PluginError> {
        self.categories.expect(HeadKind::NAME, head)
    }
}

/// What a head sees of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeadInput {
    /// Embeddings of the samples, `[batch, dim]`.
    pub pooled: Tensor<2>,
    /// Their categories, where the run has any.
    pub categories: Option<Categories>,
}

impl HeadInput {
    /// Embeddings `[batch, dim]` of samples, and the samples' categories.
    pub fn new(pooled: Tensor<2>, categories: Option<Categories>) -> Self {
        Self { pooled, categories }
    }
}

/// What a head returns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeadOutput {
    /// `[batch, targets, outputs per target]`; the loss says what an output means.
    pub values: Tensor<3>,
    /// Added to the training loss as it is, `[1]`; for example a load-balancing term.
    pub penalty: Option<Tensor<1>>,
    /// What people may look at.
    pub observations: Vec<Observation>,
}

impl HeadOutput {
    /// Values without a penalty.
    pub fn new(values: Tensor<3>) -> Self {
        Self {
            values,
            penalty: None,
            observations: Vec::new(),
        }
    }

    /// Values without a penalty from `[batch, targets * outputs per target]`, the outputs of a
    /// target side by side.
    pub fn from_columns(columns: Tensor<2>, outputs_per_target: usize) -> Self {
        let [batch, outputs] = columns.dims();
        let targets = outputs / outputs_per_target;
        Self::new(columns.reshape([batch, targets, outputs_per_target]))
    }

    /// With a penalty, `[1]`, or without one.
    #[must_use]
    pub fn with_penalty(self, penalty: impl Into<Option<Tensor<1>>>) -> Self {
        let penalty = penalty.into();
        Self { penalty, ..self }
    }

    /// With what people may look at.
    #[must_use]
    pub fn with_observations(self, observations: Vec<Observation>) -> Self {
        Self {
            observations,
            ..self
        }
    }
}

/// A head.
pub trait Head {
    /// Values of every target for each sample of the batch, each from that sample alone.
    fn forward(&self, input: HeadInput) -> HeadOutput;

    /// Whether the outputs of each target are always in ascending order, so that only a loss whose
    /// outputs are fits ([`Loss::outputs_ascend`](crate::Loss::outputs_ascend)).
    fn outputs_ascend(&self) -> bool {
        false
    }
}

crate::define_kind! {
    /// The kind of [`Head`].
    pub struct HeadKind: Kind<Context = HeadContext> {
        const NAME: &'static str = "head";
        const SUMMARY: &'static str = "From a sample's embedding to the outputs of every target";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Training];
        const PLACE: u32 = 10;
        const LABELS_RUNS: bool = true;

        fn default_component(_: &Map<String, Value>) -> Option<&'static str> {
            Some("linear")
        }
    }

    /// The options of a head and how to build it.
    pub trait HeadConfig {
        /// What it builds.
        type Head: Head;
    }

    /// A head of any type as a Burn module.
    pub type BoxedHead = module;
}

/// Registers the head that the given [`HeadConfig`](crate::HeadConfig) builds.
#[macro_export]
macro_rules! register_head {
    ($config:ty) => {
        $crate::register!($crate::HeadKind, $config);
    };
}
