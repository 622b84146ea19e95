//! The stable interface between `aam` and its components.
//!
//! A component is a **config** (the typed options that the user writes) and the Burn module that the
//! config builds. It registers itself where it is defined and is found by name:
//!
//! ```
//! use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::Device;
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// One linear layer without bias.
//! #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
//! #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
//! pub struct PlainHeadConfig {}
//!
//! #[derive(Module, Debug)]
//! pub struct PlainHead {
//!     layer: Linear,
//!     outputs_per_target: usize,
//! }
//!
//! impl HeadConfig for PlainHeadConfig {
//!     const NAME: &'static str = "plain";
//!     type Head = PlainHead;
//!     fn init(&self, context: &HeadContext, device: &Device) -> Result<PlainHead, PluginError> {
//!         Ok(PlainHead {
//!             layer: LinearConfig::new(context.dim, context.outputs()).with_bias(false).init(device),
//!             outputs_per_target: context.outputs_per_target,
//!         })
//!     }
//! }
//!
//! impl Head for PlainHead {
//!     fn forward(&self, input: HeadInput) -> HeadOutput {
//!         HeadOutput::from_columns(self.layer.forward(input.pooled), self.outputs_per_target)
//!     }
//! }
//!
//! aam_api::register_head!(PlainHeadConfig);
//!
//! assert!(aam_api::Registry::<aam_api::HeadKind>::load()?.find("plain").is_ok());
//! # Ok::<(), PluginError>(())
//! ```
//!
//! - [`AsvEncoder`], [`SampleEncoder`], [`CountEmbedding`], [`Head`], [`Fusion`], [`Loss`],
//!   [`Metric`], [`ParallelStrategy`]: what a component of each kind does.
//! - [`FittedLearner`]: the same for the other members of a run, such as forests.
//! - [`OptimizerConfig`], [`Schedule`], [`TargetTransform`], [`SampleObjective`], [`Augmentation`]:
//!   the same for the components of a training run.
//! - [`Communicator`]: how the ranks of a run exchange tensors, in threads or processes.
//! - [`Plugin`] and [`Registry`]: how components are registered, listed, chosen and built.
//! - [`Components`]: the component that a run chooses of each kind.
//! - [`kind`]: what a kind of component is, the list of all kinds, and how to define one.
//! - [`dropout`]: dropout that is the same on any number of ranks.
//! - [`options`]: how flags and configuration files become a component's typed options.
//! - [`export`]: how components are exported to ONNX.
//! - [`module`]: how a component of unknown type becomes part of a Burn module.
//! - `testing` (feature `testing`): the suite that every component must pass.

#![deny(missing_docs)]

pub mod asv_chunk;
pub mod asv_encoder;
pub mod augmentation;
pub mod categories;
pub mod communicator;
pub mod components;
pub mod count_embedding;
pub mod dropout;
pub mod error;
pub mod exact;
pub mod export;
pub mod fusion;
pub mod head;
pub mod in_process;
pub mod kind;
pub mod learner;
pub mod loss;
pub mod metric;
pub mod model_sizes;
pub mod module;
pub mod nucleotides;
pub mod objective;
pub mod observation;
pub mod optimizer;
pub mod options;
pub mod parts;
pub mod precision;
pub mod recomputation;
pub mod sample_encoder;
pub mod schedule;
pub mod strategy;
pub mod study;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tokens;
pub mod transform;

pub use asv_chunk::{Asv, AsvChunk, MaskedChunk};
pub use asv_encoder::{
    AsvEncoder, AsvEncoderConfig, AsvEncoderContext, AsvEncoderKind, BoxedAsvEncoder,
    NucleotideOutput, NucleotidePredictor, RecomputingEncoder,
};
pub use augmentation::{
    Augmentation, AugmentationConfig, AugmentationContext, AugmentationDraw, AugmentationKind,
    AugmentedSample, BoxedAugmentation, SamplePool,
};
pub use categories::{Categories, CategoryColumn, CategorySchema};
pub use communicator::{Alone, Communicator};
pub use components::Components;
pub use count_embedding::{
    BoxedCountEmbedding, CountEmbedding, CountEmbeddingConfig, CountEmbeddingContext,
    CountEmbeddingKind, CountScale,
};
pub use error::PluginError;
pub use fusion::{
    BoxedFusion, FusedAsvs, FusedPooled, Fusion, FusionConfig, FusionContext, FusionKind,
};
pub use head::{BoxedHead, Head, HeadConfig, HeadContext, HeadInput, HeadKind, HeadOutput};
pub use in_process::InProcess;
pub use kind::{Choice, Plugin, Registry, Resolved};
pub use kind::{ComponentInfo, Config, Kind, KindEntry, Stage};
pub use learner::{
    BoxedLearner, FittedLearner, FittedLearnerObject, LearnerConfig, LearnerKind, LearnerObject,
    LearnerTarget, SampleFeatures, TrainingSamples,
};
pub use loss::{BoxedLoss, Loss, LossConfig, LossContext, LossKind, Prediction};
pub use metric::{Metric, MetricConfig, MetricContext, MetricKind};
pub use model_sizes::ModelSizes;
pub use module::Erased;
pub use nucleotides::{Guesses, nucleotide_accuracy, nucleotide_loss};
pub use objective::{
    BoxedObjective, Learned, ObjectiveConfig, ObjectiveContext, ObjectiveKind, SampleObjective,
    Source, Truth,
};
pub use observation::{Attention, AttentionKeys, AttentionQueries, Logged, Observation};
pub use optimizer::{
    GroupOptimizer, GroupedOptimizer, OptimizerConfig, OptimizerContext, OptimizerKind,
    ParameterGroup, ParameterRole,
};
pub use parts::Parts;
pub use precision::MixedPrecision;
pub use recomputation::{Recomputation, nucleotide_predictor};
pub use sample_encoder::{
    BoxedSampleEncoder, FittingAsvs, SampleAsvs, SampleEncoder, SampleEncoderConfig,
    SampleEncoderContext, SampleEncoderKind, SampleView, SampleViewer, ViewShape,
    boxed_sample_encoder,
};
pub use schedule::{BoxedSchedule, Schedule, ScheduleConfig, ScheduleContext, ScheduleKind};
pub use strategy::{
    BoxedStrategy, ParallelStrategy, StrategyConfig, StrategyContext, StrategyKind, Updates,
};
pub use study::{PairDistances, SampleTable, SampleTree, StudySource};
pub use transform::{
    BoxedTransform, FittedTransform, TargetTransform, TrainingTargets, TransformCategories,
    TransformConfig, TransformKind,
};

/// Items used by the macros of this crate.
#[doc(hidden)]
pub mod plumbing {
    pub use std::boxed::Box;
    pub use std::sync::Arc;

    pub use burn::module::{Module, ModuleDisplay};
    pub use burn::tensor::Device;
    pub use inventory;

    pub use crate::kind::Builds;
    pub use crate::kind::Registration;
}
