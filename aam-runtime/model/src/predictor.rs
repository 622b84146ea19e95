//! The whole model: a base, the fusion of categories, the target's branch, a head.

use std::collections::HashSet;

use aam_api::{
    BoxedFusion, BoxedHead, Categories, CategorySchema, FusedAsvs, FusedPooled, FusionContext,
    FusionKind, HeadContext, HeadInput, HeadKind, MixedPrecision, Observation, Registry, Resolved,
    SampleView, ViewShape,
};
use burn::module::{Initializer, Module, ParamId};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Bool, Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attention_pooling::AttentionPooling;
use super::category_embedder::CategoryEmbedder;
use super::composition::SIZE;
use super::count_branch::CountBranch;
use super::output::{OutputConfig, OutputStage};
use super::parameters::parameter_ids;
use super::readout::Readout;
use super::transformer::Transformer;
use super::{Base, ModelConfig, ModelError, ModelInput};

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
    narrowing: Option<Linear>,
    target: Option<TargetBranch>,
    norm: Option<LayerNorm>,
    head: BoxedHead,
    readout: Option<Readout>,
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
        let view = base.view_shape();
        if config.count_branch && view != ViewShape::Asvs {
            return Err(ModelError::option(
                "count-branch",
                "none with abundance pooling, which has no embeddings of the ASVs in their samples",
                true,
            ));
        }
        let narrow = match view {
            ViewShape::Asvs => model.dim,
            ViewShape::Profiles { .. } => model.sample_dim,
        };
        let fusion_context = FusionContext::new(narrow).with_categories(parts.categories.clone());
        let fusion =
            Registry::<FusionKind>::load()?.build(parts.fusion, &fusion_context, device)?;
        // What is made of categories grows with the square of the width.
        let is_alone = fusion.changes_nothing() && parts.categories.columns.is_empty();
        let (width, narrowing) = match view {
            ViewShape::Profiles { width } if is_alone => (width, None),
            ViewShape::Profiles { width } => (narrow, Some(narrowing(width, narrow, device))),
            ViewShape::Asvs => (narrow, None),
        };
        let head_context = HeadContext::new(width, parts.values.len(), parts.outputs_per_target)
            .with_categories(parts.categories.clone());
        let head = Registry::<HeadKind>::load()?.build(parts.head, &head_context, device)?;
        let readout = match view {
            ViewShape::Profiles { width } => {
                let (targets, outputs) = (parts.values.len(), parts.outputs_per_target);
                Some(Readout::new(width, targets, outputs, device))
            }
            ViewShape::Asvs => None,
        };
        Ok(Self {
            base,
            categories: CategoryEmbedder::new(
                parts.categories,
                parts.parents,
                model.category_dropout,
                device,
            ),
            narrowing,
            target: (view == ViewShape::Asvs && !fusion.replaces_pooling()).then(|| TargetBranch {
                transformer: model.transformer(model.target_layers).init(device),
                pooling: AttentionPooling::new(model.dim, device),
            }),
            fusion,
            norm: config
                .target_norm
                .then(|| LayerNormConfig::new(width).init(device)),
            head,
            readout,
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

    /// The readout, where nothing comes after it that would change what it says.
    pub fn plain_readout(&self) -> Option<&Readout> {
        let is_plain = self.output.is_none();
        self.readout.as_ref().filter(|_| is_plain)
    }

    /// With another readout, of the same shape.
    #[must_use]
    pub fn with_readout(self, readout: Readout) -> Self {
        let readout = Some(readout);
        Self { readout, ..self }
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
        let view = self.base.view(asvs.clone(), &input.samples);
        let mask = &input.samples.mask;
        let mut output = self.forward_view(view.clone(), Some(mask), input.categories.clone());
        output.samples = wants
            .samples
            .then(|| self.base.embed_view(view.clone(), asvs, &input.samples));
        if let SampleView::Asvs(contextual) = view {
            let counts = self.counts.as_ref().filter(|_| wants.counts);
            output.counts = counts.map(|branch| branch.forward(contextual.clone(), mask.clone()));
            output.asvs = Some(contextual);
        }
        output
    }

    /// From the profiles `[batch, width]` of samples on, where the base makes such, and the ids of their
    /// categories, `[batch, columns]`.
    pub fn forward_profiles(
        &self,
        profiles: Tensor<2>,
        categories: Option<Tensor<2, Int>>,
    ) -> PredictorOutput {
        self.forward_view(SampleView::Profiles(profiles), None, categories)
    }

    /// From what is seen of samples on, without what only ASVs tell of.
    fn forward_view(
        &self,
        view: SampleView,
        mask: Option<&Tensor<2, Bool>>,
        ids: Option<Tensor<2, Int>>,
    ) -> PredictorOutput {
        let categories = self.embed_categories(ids.clone());
        let read_out = match (&self.readout, &view) {
            (Some(readout), SampleView::Profiles(views)) => Some(readout.forward(views.clone())),
            _ => None,
        };
        let seen = self.pool(view, mask, categories.as_ref());
        let mut observations = seen.observations;
        let pooled = match &self.norm {
            Some(norm) => norm.forward(seen.pooled),
            None => seen.pooled,
        };
        let fused = self.fusion.fuse_pooled(pooled, categories.as_ref());
        observations.extend(fused.observations);
        let head_input = HeadInput::new(fused.pooled.clone(), categories);
        let head = self.head.forward(head_input);
        observations.extend(head.observations);
        let values = match read_out {
            Some(read_out) => head.values + read_out,
            None => head.values,
        };
        let values = match &self.output {
            Some(stage) => stage.forward(values, ids),
            None => values,
        };
        PredictorOutput {
            values,
            penalty: head.penalty,
            samples: None,
            counts: None,
            asvs: None,
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
        let input = HeadInput::new(pooled, categories);
        self.head.forward(input).penalty
    }

    /// What is pooled of the samples, `[batch, width]`, with the first part of the fusion.
    fn pool(
        &self,
        view: SampleView,
        mask: Option<&Tensor<2, Bool>>,
        categories: Option<&Categories>,
    ) -> FusedPooled {
        let asvs = match view {
            SampleView::Asvs(asvs) => asvs,
            SampleView::Profiles(profiles) => {
                let profiles = match &self.narrowing {
                    Some(layer) => layer.forward(profiles),
                    None => profiles,
                };
                return self.fusion.fuse_profile(profiles, categories);
            }
        };
        let [batch, width, _] = asvs.dims();
        let all = || Tensor::ones([batch, width], &asvs.device());
        let mask = mask.cloned().unwrap_or_else(all);
        let (fused, observations) = match self.fusion.fuse_asvs(asvs, mask.clone(), categories) {
            FusedAsvs::Asvs(fused, observations) => (fused, observations),
            FusedAsvs::Pooled(pooled, observations) => {
                return FusedPooled::new(pooled, observations);
            }
        };
        let pooled = match &self.target {
            Some(target) => {
                let fused = target.transformer.forward(fused, Some(mask.clone()));
                target.pooling.forward(fused, Some(mask))
            }
            None => mean(fused, mask),
        };
        FusedPooled::new(pooled, observations)
    }

    fn embed_categories(&self, ids: Option<Tensor<2, Int>>) -> Option<Categories> {
        let embedder = self.categories.as_ref()?;
        Some(embedder.forward(ids?))
    }
}

/// A linear layer from a view of `width` entries to `narrow` entries of a mean square of about 1.
fn narrowing(width: usize, narrow: usize, device: &Device) -> Linear {
    let (mean, std) = (0.0, 1.0 / (SIZE * (width as f64).sqrt()));
    let layer = LinearConfig::new(width, narrow).with_bias(false);
    let layer = layer.with_initializer(Initializer::Normal { mean, std });
    layer.init(device)
}

/// The mean over the places at which `mask` is true, for a fusion that announced to pool and then did
/// not.
fn mean(asvs: Tensor<3>, mask: Tensor<2, Bool>) -> Tensor<2> {
    let [batch, _, dim] = asvs.dims();
    let valid: Tensor<3> = mask.float().unsqueeze_dim(2);
    let number = valid.clone().sum_dim(1).clamp_min(1.0);
    ((asvs * valid).sum_dim(1) / number).reshape([batch, dim])
}
