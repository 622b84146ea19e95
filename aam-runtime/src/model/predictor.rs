//! The whole model: a base, the fusion of categories, the target's branch, a head.

use std::collections::HashSet;

use aam_api::{
    BoxedFusion, BoxedHead, Categories, CategorySchema, FusedAsvs, FusionContext, FusionKind,
    HeadContext, HeadInput, HeadKind, Observation, Registry, Resolved,
};
use burn::module::{Module, ParamId};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Bool, Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::abundance_pooling::QUANTITIES;
use super::attention_pooling::AttentionPooling;
use super::category_embedder::CategoryEmbedder;
use super::count_branch::CountBranch;
use super::output::{OutputConfig, OutputStage};
use super::parameters::parameter_ids;
use super::sample_embedding::SampleEmbedding;
use super::transformer::Transformer;
use super::{Base, MixedPrecision, ModelConfig, ModelError, ModelInput, SamplePooling};

/// What a predictor has beyond its base and its components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct PredictorConfig {
    /// The side task of guessing the abundance of each ASV.
    pub count_branch: bool,
    /// A norm of the sample's embedding, before the head.
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
    /// For each of them, the position of the one whose embedding is added to its own; may be empty.
    pub parents: &'a [Option<usize>],
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
    profile: Option<SampleEmbedding>,
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
    /// Embeddings of the ASVs in their samples, `[batch, asvs, dim]`, of a model that pools by
    /// attention.
    pub asvs: Option<Tensor<3>>,
    /// Embeddings of the samples as the head sees them, `[batch, width]`.
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
        let attention = model.pooling == SamplePooling::Attention;
        if config.count_branch && !attention {
            return Err(ModelError::option(
                "count-branch",
                "none with abundance pooling, which has no embeddings of the ASVs in their samples",
                true,
            ));
        }
        let width = if attention {
            model.dim
        } else {
            model.sample_dim
        };
        let fusion_context = FusionContext {
            dim: width,
            categories: parts.categories.clone(),
        };
        let fusion =
            Registry::<FusionKind>::load()?.build(parts.fusion, &fusion_context, device)?;
        let head_context = HeadContext {
            dim: width,
            targets: parts.values.len(),
            outputs_per_target: parts.outputs_per_target,
            categories: parts.categories.clone(),
        };
        let head = Registry::<HeadKind>::load()?.build(parts.head, &head_context, device)?;
        Ok(Self {
            base,
            categories: CategoryEmbedder::new(
                parts.categories,
                parts.parents,
                model.category_dropout,
                device,
            ),
            profile: (!attention).then(|| SampleEmbedding::new(model, device)),
            target: (attention && !fusion.replaces_pooling()).then(|| TargetBranch {
                transformer: model.transformer(model.target_layers).init(device),
                pooling: AttentionPooling::new(model.dim, device),
            }),
            fusion,
            norm: config
                .target_norm
                .then(|| LayerNormConfig::new(width).init(device)),
            head,
            output: OutputStage::new(&config.output, parts.values, parts.categories, device)?,
            counts: config.count_branch.then(|| CountBranch::new(model, device)),
            frozen_base_dropout: model.compatibility.frozen_base_dropout,
        })
    }

    /// Whether the head's outputs of each target are always in ascending order.
    pub fn outputs_ascend(&self) -> bool {
        self.head.outputs_ascend()
    }

    /// With another base, of the same shape.
    pub fn with_base(self, base: Base) -> Self {
        Self { base, ..self }
    }

    /// With matrix products of the numbers of `precision`, but for those of fusion and head.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self {
            base: self.base.with_precision(precision),
            profile: self.profile.map(|layer| layer.with_precision(precision)),
            target: self.target.map(|branch| TargetBranch {
                transformer: branch.transformer.with_precision(precision),
                ..branch
            }),
            counts: self.counts.map(|branch| branch.with_precision(precision)),
            ..self
        }
    }

    /// Parameters that are there for categories only: embeddings, fusion, scales of the output.
    pub fn category_parameters(&self) -> HashSet<ParamId> {
        let mut ids = parameter_ids(&self.categories);
        ids.extend(parameter_ids(&self.fusion));
        ids.extend(
            self.output
                .iter()
                .flat_map(OutputStage::category_parameters),
        );
        ids
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
        let categories = self.embed_categories(input);
        let contextual = self
            .base
            .attention()
            .map(|attention| attention.contextual(asvs.clone(), input));
        let (pooled, mut observations) =
            self.pool(asvs.clone(), contextual.clone(), input, categories.as_ref());
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
        let samples = wants
            .samples
            .then(|| match (&contextual, self.base.attention()) {
                (Some(contextual), Some(attention)) => {
                    attention.pool(contextual.clone(), input.mask.clone())
                }
                _ => self.base.embed_samples(asvs, input),
            });
        let counts = match (&self.counts, &contextual) {
            (Some(branch), Some(contextual)) if wants.counts => {
                Some(branch.forward(contextual.clone(), input.mask.clone()))
            }
            _ => None,
        };
        PredictorOutput {
            values,
            penalty: head.penalty,
            samples,
            counts,
            asvs: contextual,
            pooled: fused.pooled,
            observations,
        }
    }

    /// The head's penalty `[1]`, if it has one, on samples whose embeddings it sees as `pooled`,
    /// `[batch, width]`, and whose category ids are `categories`, `[batch, columns]`.
    pub fn penalty(
        &self,
        pooled: Tensor<2>,
        categories: Option<Tensor<2, Int>>,
    ) -> Option<Tensor<1>> {
        let embedder = self.categories.as_ref();
        let categories = embedder.zip(categories);
        let categories = categories.map(|(embedder, ids)| embedder.forward(ids));
        self.head.forward(HeadInput { pooled, categories }).penalty
    }

    /// What is pooled of the ASVs, `[batch, width]`, with the first part of the fusion.
    ///
    /// To a fusion, a sample pooled by abundance is a sample of one ASV, its profile: whatever it
    /// does with several, it does with one.
    fn pool(
        &self,
        asvs: Tensor<2>,
        contextual: Option<Tensor<3>>,
        input: &ModelInput,
        categories: Option<&Categories>,
    ) -> (Tensor<2>, Vec<Observation>) {
        let profiles = || self.base.profiles(asvs, input, QUANTITIES);
        let (asvs, mask) = match (contextual, &self.profile) {
            (Some(contextual), _) => (contextual, input.mask.clone()),
            (None, Some(profile)) => {
                let profiles = profiles().map(|profiles| profile.forward(profiles));
                let Some(embedded) = profiles else {
                    unreachable!("a base that does not pool by attention pools by abundance");
                };
                let [batch, _] = embedded.dims();
                let mask = Tensor::<2, Bool>::ones([batch, 1], &embedded.device());
                (embedded.unsqueeze_dim(1), mask)
            }
            (None, None) => unreachable!("a predictor follows the pooling of its base"),
        };
        match (
            self.fusion.fuse_asvs(asvs, mask.clone(), categories),
            &self.target,
        ) {
            (FusedAsvs::Pooled(pooled, seen), _) => (pooled, seen),
            (FusedAsvs::Asvs(fused, seen), Some(target)) => {
                let fused = target.transformer.forward(fused, Some(mask.clone()));
                (target.pooling.forward(fused, Some(mask)), seen)
            }
            (FusedAsvs::Asvs(fused, seen), None) => (mean(fused, mask), seen),
        }
    }

    fn embed_categories(&self, input: &ModelInput) -> Option<Categories> {
        let embedder = self.categories.as_ref()?;
        Some(embedder.forward(input.categories.clone()?))
    }
}

/// The mean over the places at which `mask` is true: the profile itself where there is one, and for
/// a fusion that announced to pool and then did not.
fn mean(asvs: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<2> {
    let [batch, _, dim] = asvs.dims();
    let valid: Tensor<3> = mask.float().unsqueeze_dim(2);
    let number = valid.clone().sum_dim(1).clamp_min(1.0);
    ((asvs * valid).sum_dim(1) / number).reshape([batch, dim])
}
