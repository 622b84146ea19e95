//! The whole model: a base, the fusion of categories, the target's branch, a head.

use aam_api::{
    BoxedFusion, BoxedHead, Categories, CategorySchema, FusedAsvs, FusionContext, FusionKind,
    HeadContext, HeadInput, HeadKind, Observation, Registry, Resolved,
};
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::category_embedder::CategoryEmbedder;
use super::count_branch::CountBranch;
use super::output::{OutputConfig, OutputStage};
use super::pooling::AttentionPooling;
use super::transformer::Transformer;
use super::{Base, ModelConfig, ModelError, ModelInput};

/// What a predictor has beyond its base and its components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct PredictorConfig {
    /// The side task of guessing the abundance of each ASV.
    pub count_branch: bool,
    /// A norm of the pooled embedding before the head.
    pub target_norm: bool,
    /// What happens to outputs that are values of the target.
    pub output: OutputConfig,
}

impl Default for PredictorConfig {
    fn default() -> Self {
        Self {
            count_branch: false,
            target_norm: true,
            output: OutputConfig::default(),
        }
    }
}

/// What a predictor is assembled from.
#[derive(Clone, Debug)]
pub struct PredictorParts<'a> {
    /// Shape of the model.
    pub model: &'a ModelConfig,
    /// What it has beyond base and components.
    pub predictor: &'a PredictorConfig,
    /// The fusion.
    pub fusion: &'a Resolved,
    /// The head.
    pub head: &'a Resolved,
    /// Categorical columns of the run.
    pub categories: &'a CategorySchema,
    /// Outputs of each target: the most that any loss asks.
    pub outputs_per_target: usize,
    /// For each target, whether its outputs are values of it (`Loss::outputs_are_values`), to
    /// which the output stage applies.
    pub values: &'a [bool],
}

/// The whole model.
#[derive(Module, Debug)]
pub struct Predictor {
    /// What pre-training learned.
    pub base: Base,
    categories: Option<CategoryEmbedder>,
    fusion: BoxedFusion,
    target: Option<TargetBranch>,
    norm: Option<LayerNorm>,
    head: BoxedHead,
    output: Option<OutputStage>,
    counts: Option<CountBranch>,
    frozen_base_dropout: bool,
}

/// Transformer and pooling of the target's branch.
#[derive(Module, Debug)]
struct TargetBranch {
    transformer: Transformer,
    pooling: AttentionPooling,
}

/// What a caller wants beside the values of the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Embeddings of the samples, for distances.
    pub samples: bool,
    /// Guessed abundances.
    pub counts: bool,
}

/// What a predictor makes of a batch.
#[derive(Clone, Debug)]
pub struct PredictorOutput {
    /// Outputs of each target, `[batch, targets, outputs per target]`; the loss says what they
    /// mean.
    pub values: Tensor<3>,
    /// Added to the training loss as it is, `[1]`.
    pub penalty: Option<Tensor<1>>,
    /// Embeddings of the samples as the base has them, `[batch, dim]`, if wanted.
    pub samples: Option<Tensor<2>>,
    /// Guessed abundances in (0, 1), `[batch, asvs]`, if wanted of a model that guesses them.
    pub counts: Option<Tensor<2>>,
    /// Embeddings of the ASVs in their samples, `[batch, asvs, dim]`.
    pub asvs: Tensor<3>,
    /// Embeddings of the samples as the head sees them, `[batch, dim]`.
    pub pooled: Tensor<2>,
    /// What components let people look at.
    pub observations: Vec<Observation>,
}

impl Predictor {
    /// Builds a predictor with a fresh base.
    ///
    /// # Errors
    /// An option out of range, a component that is not linked, or one that lacks something.
    pub fn init(parts: &PredictorParts<'_>, device: &Device) -> Result<Self, ModelError> {
        let (model, config) = (parts.model, parts.predictor);
        let base = Base::init(model, device)?;
        let fusion_context = FusionContext {
            dim: model.dim,
            categories: parts.categories.clone(),
        };
        let fusion =
            Registry::<FusionKind>::load()?.build(parts.fusion, &fusion_context, device)?;
        let head_context = HeadContext {
            dim: model.dim,
            targets: parts.values.len(),
            outputs_per_target: parts.outputs_per_target,
            categories: parts.categories.clone(),
        };
        let head = Registry::<HeadKind>::load()?.build(parts.head, &head_context, device)?;
        Ok(Self {
            base,
            categories: CategoryEmbedder::new(parts.categories, model.category_dropout, device),
            target: (!fusion.replaces_pooling()).then(|| TargetBranch {
                transformer: model.transformer(model.target_layers).init(device),
                pooling: AttentionPooling::new(model.dim, device),
            }),
            fusion,
            norm: config
                .target_norm
                .then(|| LayerNormConfig::new(model.dim).init(device)),
            head,
            output: OutputStage::new(&config.output, parts.values, parts.categories, device)?,
            counts: config.count_branch.then(|| CountBranch::new(model, device)),
            frozen_base_dropout: model.compatibility.frozen_base_dropout,
        })
    }

    /// With another base, of the same shape.
    pub fn with_base(self, base: Base) -> Self {
        Self { base, ..self }
    }

    /// With a base that does not learn, and has no dropout.
    pub fn freeze_base(self) -> Self {
        let base = match self.frozen_base_dropout {
            true => self.base.no_grad(),
            false => self.base.freeze(),
        };
        Self { base, ..self }
    }

    /// Everything from the tokens on.
    pub fn forward(&self, input: &ModelInput, wants: Wants) -> PredictorOutput {
        self.forward_asvs(self.base.encode_asvs(&input.groups), input, wants)
    }

    /// From embeddings `[unique, dim]` of the ASVs on; `input.groups` is not looked at.
    pub fn forward_asvs(
        &self,
        asvs: Tensor<2>,
        input: &ModelInput,
        wants: Wants,
    ) -> PredictorOutput {
        self.forward_base(self.base.encode_samples(asvs, input), input, wants)
    }

    /// From the embeddings `[batch, asvs, dim]` of [`Base::encode_samples`] on; of `input`, only
    /// the mask and the categories are looked at.
    pub fn forward_base(
        &self,
        asvs: Tensor<3>,
        input: &ModelInput,
        wants: Wants,
    ) -> PredictorOutput {
        let mask = &input.mask;
        let categories = self.embed_categories(input);
        let fused = self
            .fusion
            .fuse_asvs(asvs.clone(), mask.clone(), categories.as_ref());
        let (pooled, mut observations) = match (fused, &self.target) {
            (FusedAsvs::Pooled(pooled, seen), _) => (pooled, seen),
            (FusedAsvs::Asvs(fused, seen), Some(target)) => {
                let fused = target.transformer.forward(fused, Some(mask.clone()));
                (target.pooling.forward(fused, Some(mask.clone())), seen)
            }
            (FusedAsvs::Asvs(fused, seen), None) => (mean(fused, input), seen),
        };
        let pooled = match &self.norm {
            Some(norm) => norm.forward(pooled),
            None => pooled,
        };
        let fused = self.fusion.fuse_pooled(pooled, categories.as_ref());
        observations.extend(fused.observations);
        let head = self.head.forward(HeadInput {
            pooled: fused.pooled.clone(),
            categories,
        });
        observations.extend(head.observations);
        let values = match &self.output {
            Some(stage) => stage.forward(head.values, input.categories.clone()),
            None => head.values,
        };
        let counts = self.counts.as_ref().filter(|_| wants.counts);
        PredictorOutput {
            values,
            penalty: head.penalty,
            samples: wants
                .samples
                .then(|| self.base.embed_samples(asvs.clone(), mask.clone())),
            counts: counts.map(|branch| branch.forward(asvs.clone(), mask.clone())),
            asvs,
            pooled: fused.pooled,
            observations,
        }
    }

    fn embed_categories(&self, input: &ModelInput) -> Option<Categories> {
        let embedder = self.categories.as_ref()?;
        Some(embedder.forward(input.categories.clone()?))
    }
}

/// The mean over the ASVs: for a fusion that announced to pool and then did not.
fn mean(asvs: Tensor<3>, input: &ModelInput) -> Tensor<2> {
    let [batch, _, dim] = asvs.dims();
    let valid: Tensor<3> = input.mask.clone().float().unsqueeze_dim(2);
    let number = valid.clone().sum_dim(1).clamp_min(1.0);
    ((asvs * valid).sum_dim(1) / number).reshape([batch, dim])
}
