//! Fusions: how categorical metadata joins the microbiome in the model.
//!
//! The target branch of the model is: base embeddings of the ASVs → [`Fusion::fuse_asvs`] →
//! transformer → pooling → [`Fusion::fuse_pooled`] → head. A fusion does its work at one of the
//! two places, or takes over transformer and pooling by returning [`FusedAsvs::Pooled`].

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Bool, Device, Tensor};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::module::{CloneBox, DynModule, Erased, Holder};
use crate::{Categories, CategorySchema, Kind, Observation, Plugin, PluginError};

/// What a fusion is built for.
#[derive(Clone, Debug)]
pub struct FusionContext {
    /// Width of the embeddings of ASVs and samples.
    pub dim: usize,
    /// The categorical columns of the run, empty without any.
    pub categories: CategorySchema,
}

impl FusionContext {
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

/// What a fusion makes of the samples of a batch.
#[derive(Clone, Debug)]
pub struct FusedPooled {
    /// `[batch, dim]`.
    pub pooled: Tensor<2>,
    /// What people may look at.
    pub observations: Vec<Observation>,
}

/// A fusion. Both methods leave the embeddings unchanged unless a fusion overrides them.
pub trait Fusion {
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
        FusedPooled {
            pooled,
            observations: Vec::new(),
        }
    }

    /// Whether [`Fusion::fuse_asvs`] returns [`FusedAsvs::Pooled`], so that the model need not
    /// hold a transformer and a pooling of its own.
    fn replaces_pooling(&self) -> bool {
        false
    }
}

/// The options of a fusion and how to build it.
pub trait FusionConfig:
    Clone + Debug + Default + Serialize + DeserializeOwned + JsonSchema
{
    /// The name people choose it by.
    const NAME: &'static str;
    /// What it builds.
    type Fusion: Fusion + Module + ModuleDisplay + 'static;

    /// Builds the fusion.
    ///
    /// # Errors
    /// An option out of range ([`PluginError::bad_option`]), or something the run lacks
    /// ([`PluginError::needs`]).
    fn init(&self, context: &FusionContext, device: &Device) -> Result<Self::Fusion, PluginError>;
}

/// A fusion of any type as a Burn module.
pub type BoxedFusion = Erased<dyn FusionObject>;

/// A fusion behind a trait object.
pub trait FusionObject: Fusion + DynModule {
    /// The clone.
    fn clone_fusion(&self) -> Box<dyn FusionObject>;
}

impl<F: Fusion + Module + ModuleDisplay + 'static> FusionObject for Holder<F> {
    fn clone_fusion(&self) -> Box<dyn FusionObject> {
        Box::new(self.clone())
    }
}

impl CloneBox for dyn FusionObject {
    fn clone_box(&self) -> Box<Self> {
        self.clone_fusion()
    }
}

impl<F: Fusion> Fusion for Holder<F> {
    fn fuse_asvs(
        &self,
        asvs: Tensor<3>,
        mask: Tensor<2, Bool>,
        categories: Option<&Categories>,
    ) -> FusedAsvs {
        self.get().fuse_asvs(asvs, mask, categories)
    }

    fn fuse_pooled(&self, pooled: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        self.get().fuse_pooled(pooled, categories)
    }

    fn replaces_pooling(&self) -> bool {
        self.get().replaces_pooling()
    }
}

/// The kind of [`Fusion`].
#[derive(Clone, Copy, Debug)]
pub struct FusionKind;

impl Kind for FusionKind {
    const NAME: &'static str = "fusion";
    type Context = FusionContext;
    type Component = BoxedFusion;

    fn plugins() -> Vec<&'static Plugin<Self>> {
        inventory::iter::<Plugin<Self>>.into_iter().collect()
    }
}

inventory::collect!(Plugin<FusionKind>);

impl Plugin<FusionKind> {
    /// The plugin of the fusion that `C` configures; used by
    /// [`register_fusion!`](crate::register_fusion).
    pub const fn of<C: FusionConfig>(provider: &'static str, version: &'static str) -> Self {
        Self::new::<C>(C::NAME, provider, version, |config, context, device| {
            let fusion = Self::parse::<C>(C::NAME, config)?.init(context, device)?;
            Ok(Erased::new(Box::new(Holder::new(fusion))))
        })
    }
}

/// Registers the fusion that the given [`FusionConfig`] builds.
#[macro_export]
macro_rules! register_fusion {
    ($config:ty) => {
        $crate::inventory::submit! {
            $crate::Plugin::<$crate::FusionKind>::of::<$config>(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
            )
        }
    };
}
