//! Heads turn a sample's embedding into the raw outputs of every target.

use burn::tensor::Tensor;
use serde_json::{Map, Value};

use crate::export::{ExportedCategories, Graph, Value as Exported};
use crate::{Categories, CategorySchema, Kind, Observation, PluginError, Stage};

/// What a head is built from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeadContext {
    /// Width of a sample's embedding.
    pub dim: usize,
    /// Number of target columns.
    pub targets: usize,
    /// Outputs per target: the largest number that any loss of the run needs, for example for its
    /// quantiles or classes.
    pub outputs_per_target: usize,
    /// The categorical columns of the run, possibly none.
    pub categories: CategorySchema,
}

impl HeadContext {
    /// A context for embeddings of width `dim` and `targets` targets, without categorical columns.
    pub fn new(dim: usize, targets: usize, outputs_per_target: usize) -> Self {
        Self {
            dim,
            targets,
            outputs_per_target,
            categories: CategorySchema::default(),
        }
    }

    /// Sets the categorical columns of the run.
    #[must_use]
    pub fn with_categories(self, categories: CategorySchema) -> Self {
        Self { categories, ..self }
    }

    /// Total number of outputs.
    pub fn outputs(&self) -> usize {
        self.targets * self.outputs_per_target
    }

    /// Checks that the run has categorical columns, on behalf of the head named `head`.
    ///
    /// # Errors
    /// The run has no categorical column.
    pub fn expect_categories(&self, head: &str) -> Result<(), PluginError> {
        self.categories.expect(HeadKind::NAME, head)
    }
}

/// The input of a head for a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeadInput {
    /// Embeddings of the samples, `[batch, dim]`.
    pub pooled: Tensor<2>,
    /// Their categories, if the run has any.
    pub categories: Option<Categories>,
}

impl HeadInput {
    /// Embeddings `[batch, dim]` of samples, and the samples' categories.
    pub fn new(pooled: Tensor<2>, categories: Option<Categories>) -> Self {
        Self { pooled, categories }
    }
}

/// The output of a head.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HeadOutput {
    /// `[batch, targets, outputs per target]`; the loss defines what each output means.
    pub values: Tensor<3>,
    /// Added to the training loss unchanged, `[1]`; for example a load-balancing term.
    pub penalty: Option<Tensor<1>>,
    /// Values to record for inspection.
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

    /// Values without a penalty from `[batch, targets * outputs per target]`, in which the outputs of
    /// each target are adjacent.
    pub fn from_columns(columns: Tensor<2>, outputs_per_target: usize) -> Self {
        let [batch, outputs] = columns.dims();
        let targets = outputs / outputs_per_target;
        Self::new(columns.reshape([batch, targets, outputs_per_target]))
    }

    /// Sets or clears the penalty, `[1]`.
    #[must_use]
    pub fn with_penalty(self, penalty: impl Into<Option<Tensor<1>>>) -> Self {
        let penalty = penalty.into();
        Self { penalty, ..self }
    }

    /// Sets the values to record for inspection.
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
    /// Returns the outputs of every target for each sample of the batch, each from that sample alone.
    fn forward(&self, input: HeadInput) -> HeadOutput;

    /// Adds [`forward`](Self::forward) to `graph`: from embeddings `pooled`, `[batch, dim]`, and
    /// categories to outputs `[batch, targets * outputs per target]`, in which the outputs of each target
    /// are adjacent. `None` if the head cannot be exported.
    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Exported,
        categories: Option<&ExportedCategories>,
    ) -> Option<Exported> {
        let _ = (graph, pooled, categories);
        None
    }

    /// Whether the outputs of each target are always in ascending order. Such a head works only with a
    /// loss whose outputs ascend ([`Loss::outputs_ascend`](crate::Loss::outputs_ascend)).
    fn outputs_ascend(&self) -> bool {
        false
    }
}

crate::define_kind! {
    /// The kind of [`Head`]s.
    pub struct HeadKind: Kind<Context = HeadContext> {
        const NAME: &'static str = "head";
        const SUMMARY: &'static str = "Turns a sample's embedding into the outputs of every target";
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
