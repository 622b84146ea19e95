//! Fusions: how categorical metadata joins the microbiome in the model.
//!
//! Where the sample encoder makes one vector of a sample, its profile, as in the default model, the
//! target branch is: profile → [`Fusion::fuse_profile`] → [`Fusion::fuse_pooled`] → head. Where it
//! keeps the ASVs apart, it is: embeddings of the ASVs → [`Fusion::fuse_asvs`] → transformer →
//! pooling → [`Fusion::fuse_pooled`] → head. A fusion does its work before or after pooling, or takes
//! over transformer and pooling by returning [`FusedAsvs::Pooled`].

use burn::tensor::{Bool, Tensor};
use serde_json::{Map, Value};

use crate::kind::is_given;
use crate::{Categories, CategorySchema, Kind, Observation, PluginError, Stage};

/// What a fusion is built for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FusionContext {
    /// Width of the embeddings of ASVs and samples.
    pub dim: usize,
    /// The categorical columns of the run, empty without any.
    pub categories: CategorySchema,
}

impl FusionContext {
    /// Embeddings of the width `dim`, in a run without categorical columns.
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            categories: CategorySchema::default(),
        }
    }

    /// In a run with these categorical columns.
    #[must_use]
    pub fn with_categories(self, categories: CategorySchema) -> Self {
        Self { categories, ..self }
    }

    /// Checks that the run has categorical columns, for the fusion called `fusion`.
    ///
    /// # Errors
    /// No categorical column.
    pub fn expect_categories(&self, fusion: &str) -> Result<(), PluginError> {
        self.categories.expect(FusionKind::NAME, fusion)
    }
}

/// What a fusion makes of the ASVs of a batch.
#[derive(Clone, Debug)]
pub enum FusedAsvs {
    /// Embeddings `[batch, asvs, dim]`, for the model's own transformer and pooling.
    Asvs(Tensor<3>, Vec<Observation>),
    /// Embeddings of the samples `[batch, dim]`: transformer and pooling are skipped.
    Pooled(Tensor<2>, Vec<Observation>),
}

impl FusedAsvs {
    /// What a fusion made of samples that have one ASV each, as what it makes of samples.
    pub fn of_one_asv(self) -> FusedPooled {
        match self {
            Self::Asvs(asvs, observations) => FusedPooled::new(asvs.squeeze_dim(1), observations),
            Self::Pooled(pooled, observations) => FusedPooled::new(pooled, observations),
        }
    }
}

/// What a fusion makes of the samples of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FusedPooled {
    /// `[batch, dim]`.
    pub pooled: Tensor<2>,
    /// What people may look at.
    pub observations: Vec<Observation>,
}

impl FusedPooled {
    /// Samples `[batch, dim]`, and what people may look at.
    pub fn new(pooled: Tensor<2>, observations: Vec<Observation>) -> Self {
        Self {
            pooled,
            observations,
        }
    }
}

/// A fusion. What it does not override leaves the embeddings unchanged.
pub trait Fusion {
    /// Fuses the profiles of samples, `[batch, dim]`, in a model that has no ASVs to pool. A fusion
    /// that acts on ASVs does to a profile what it does to one ASV of a sample.
    fn fuse_profile(&self, profiles: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let _ = categories;
        FusedPooled::new(profiles, Vec::new())
    }

    /// Fuses before pooling.
    ///
    /// `asvs` is `[batch, asvs, dim]`, `mask` `[batch, asvs]` is true at an ASV and false at
    /// padding, which must not influence the result.
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

    /// Whether [`Fusion::fuse_asvs`] returns [`FusedAsvs::Pooled`], so that the model need not
    /// hold a transformer and a pooling of its own.
    fn replaces_pooling(&self) -> bool {
        false
    }

    /// Whether it returns what it is given, whatever the width: a model need not narrow what it knows
    /// of a sample for it.
    fn changes_nothing(&self) -> bool {
        false
    }
}

crate::define_kind! {
    /// The kind of [`Fusion`].
    pub struct FusionKind: Kind<Context = FusionContext> {
        const NAME: &'static str = "fusion";
        const ALIASES: &'static [&'static str] = &["categorical-fusion"];
        const SUMMARY: &'static str = "How categorical metadata joins the microbiome in the model";
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
