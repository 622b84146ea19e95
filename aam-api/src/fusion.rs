//! Fusions: how categorical metadata enters the model.
//!
//! If the sample encoder turns a sample into one vector, its profile, as in the default model, the
//! target branch is: profile → [`Fusion::fuse_profile`] → [`Fusion::fuse_pooled`] → head. If it keeps
//! the ASVs separate, the branch is: ASV embeddings → [`Fusion::fuse_asvs`] → transformer → pooling →
//! [`Fusion::fuse_pooled`] → head. A fusion acts before or after pooling, or replaces transformer and
//! pooling by returning [`FusedAsvs::Pooled`].

use burn::tensor::{Bool, Tensor};
use serde_json::{Map, Value};

use crate::export::{ExportedCategories, Graph, Value as Exported};
use crate::kind::is_given;
use crate::{Categories, CategorySchema, Kind, Observation, PluginError, Stage};

/// What a fusion is built from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FusionContext {
    /// Width of the embeddings of ASVs and samples.
    pub dim: usize,
    /// The categorical columns of the run, possibly none.
    pub categories: CategorySchema,
}

impl FusionContext {
    /// A context for embeddings of width `dim` in a run without categorical columns.
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            categories: CategorySchema::default(),
        }
    }

    /// Sets the categorical columns of the run.
    #[must_use]
    pub fn with_categories(self, categories: CategorySchema) -> Self {
        Self { categories, ..self }
    }

    /// Checks that the run has categorical columns, on behalf of the fusion named `fusion`.
    ///
    /// # Errors
    /// The run has no categorical column.
    pub fn expect_categories(&self, fusion: &str) -> Result<(), PluginError> {
        self.categories.expect(FusionKind::NAME, fusion)
    }
}

/// The output of a fusion for the ASVs of a batch.
#[derive(Clone, Debug)]
pub enum FusedAsvs {
    /// Embeddings `[batch, asvs, dim]`, for the model's own transformer and pooling.
    Asvs(Tensor<3>, Vec<Observation>),
    /// Sample embeddings `[batch, dim]`: transformer and pooling are skipped.
    Pooled(Tensor<2>, Vec<Observation>),
}

impl FusedAsvs {
    /// Converts the output for samples of one ASV each into output for samples.
    pub fn of_one_asv(self) -> FusedPooled {
        let (pooled, observations) = match self {
            Self::Asvs(asvs, observations) => (asvs.squeeze_dim(1), observations),
            Self::Pooled(pooled, observations) => (pooled, observations),
        };
        let observations = observations.into_iter().map(Observation::of_profiles);
        FusedPooled::new(pooled, observations.collect())
    }
}

/// The output of a fusion for the samples of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FusedPooled {
    /// Embeddings of the samples, `[batch, dim]`.
    pub pooled: Tensor<2>,
    /// Values to record for inspection.
    pub observations: Vec<Observation>,
}

impl FusedPooled {
    /// Sample embeddings `[batch, dim]`, and values to record for inspection.
    pub fn new(pooled: Tensor<2>, observations: Vec<Observation>) -> Self {
        Self {
            pooled,
            observations,
        }
    }
}

/// A fusion. Methods that it does not override leave the embeddings unchanged.
pub trait Fusion {
    /// Fuses the profiles of samples, `[batch, dim]`, in a model that has no ASVs to pool. A fusion
    /// that acts on ASVs treats a profile like a single ASV of the sample.
    fn fuse_profile(&self, profiles: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let _ = categories;
        FusedPooled::new(profiles, Vec::new())
    }

    /// Fuses before pooling.
    ///
    /// `asvs` is `[batch, asvs, dim]`. `mask`, `[batch, asvs]`, is true at an ASV and false at padding,
    /// which must not influence the result.
    fn fuse_asvs(
        &self,
        asvs: Tensor<3>,
        mask: Tensor<2, Bool>,
        categories: Option<&Categories>,
    ) -> FusedAsvs {
        let _ = (mask, categories);
        FusedAsvs::Asvs(asvs, Vec::new())
    }

    /// Fuses after pooling; `pooled` is `[batch, dim]`.
    fn fuse_pooled(&self, pooled: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let _ = categories;
        FusedPooled::new(pooled, Vec::new())
    }

    /// Adds [`fuse_profile`](Self::fuse_profile) to `graph`. `None`, the default unless the fusion
    /// [changes nothing](Self::changes_nothing), if the fusion cannot be exported. A fusion that leaves
    /// profiles as they are, but not what is pooled, returns `profiles`.
    fn export_profile(
        &self,
        graph: &mut Graph,
        profiles: &Exported,
        categories: Option<&ExportedCategories>,
    ) -> Option<Exported> {
        let _ = (graph, categories);
        self.changes_nothing().then(|| profiles.clone())
    }

    /// Adds [`fuse_pooled`](Self::fuse_pooled) to `graph`; overridden by a fusion that overrides that one and
    /// can be exported. `None` if it cannot.
    fn export_pooled(
        &self,
        graph: &mut Graph,
        pooled: &Exported,
        categories: Option<&ExportedCategories>,
    ) -> Option<Exported> {
        let _ = (graph, categories);
        Some(pooled.clone())
    }

    /// Whether [`Fusion::fuse_asvs`] returns [`FusedAsvs::Pooled`], so that the model needs no
    /// transformer and pooling of its own.
    fn replaces_pooling(&self) -> bool {
        false
    }

    /// Whether the fusion returns its input unchanged at any width, so that the model need not narrow
    /// the sample embedding for it.
    fn changes_nothing(&self) -> bool {
        false
    }
}

crate::define_kind! {
    /// The kind of [`Fusion`]s.
    pub struct FusionKind: Kind<Context = FusionContext> {
        const NAME: &'static str = "fusion";
        const ALIASES: &'static [&'static str] = &["categorical-fusion"];
        const SUMMARY: &'static str = "How categorical metadata enters the model";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Training];
        const PLACE: u32 = 20;
        const LABELS_RUNS: bool = true;

        fn default_component(settings: &Map<String, Value>) -> Option<&'static str> {
            match is_given(settings, "categorical-columns") {
                true => Some("concat"),
                false => Some("none"),
            }
        }
    }

    /// The options of a fusion and how to build it.
    pub trait FusionConfig {
        /// What it builds.
        type Fusion: Fusion;
    }

    /// A fusion of any type as a Burn module.
    pub type BoxedFusion = module;
}

/// Registers the fusion that the given [`FusionConfig`](crate::FusionConfig) builds.
#[macro_export]
macro_rules! register_fusion {
    ($config:ty) => {
        $crate::register!($crate::FusionKind, $config);
    };
}
