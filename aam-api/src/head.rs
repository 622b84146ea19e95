//! Heads: from a sample's embedding to the raw outputs of every target.

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::module::{CloneBox, DynModule, Erased, Holder};
use crate::{Categories, CategorySchema, Kind, Observation, Plugin, PluginError};

/// What a head is built for.
#[derive(Clone, Debug)]
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
pub struct HeadInput {
    /// Embeddings of the samples, `[batch, dim]`.
    pub pooled: Tensor<2>,
    /// Their categories, where the run has any.
    pub categories: Option<Categories>,
}

/// What a head returns.
#[derive(Clone, Debug)]
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

/// The options of a head and how to build it.
pub trait HeadConfig: Clone + Debug + Default + Serialize + DeserializeOwned + JsonSchema {
    /// The name people choose it by.
    const NAME: &'static str;
    /// What it builds.
    type Head: Head + Module + ModuleDisplay + 'static;

    /// Builds the head.
    ///
    /// # Errors
    /// An option out of range ([`PluginError::bad_option`]), or something the run lacks
    /// ([`PluginError::needs`]).
    fn init(&self, context: &HeadContext, device: &Device) -> Result<Self::Head, PluginError>;
}

/// A head of any type as a Burn module.
pub type BoxedHead = Erased<dyn HeadObject>;

/// A head behind a trait object.
pub trait HeadObject: Head + DynModule {
    /// The clone.
    fn clone_head(&self) -> Box<dyn HeadObject>;
}

impl<H: Head + Module + ModuleDisplay + 'static> HeadObject for Holder<H> {
    fn clone_head(&self) -> Box<dyn HeadObject> {
        Box::new(self.clone())
    }
}

impl CloneBox for dyn HeadObject {
    fn clone_box(&self) -> Box<Self> {
        self.clone_head()
    }
}

impl<H: Head> Head for Holder<H> {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        self.get().forward(input)
    }

    fn outputs_ascend(&self) -> bool {
        self.get().outputs_ascend()
    }
}

/// The kind of [`Head`].
#[derive(Clone, Copy, Debug)]
pub struct HeadKind;

impl Kind for HeadKind {
    const NAME: &'static str = "head";
    type Context = HeadContext;
    type Component = BoxedHead;

    fn plugins() -> Vec<&'static Plugin<Self>> {
        inventory::iter::<Plugin<Self>>.into_iter().collect()
    }
}

inventory::collect!(Plugin<HeadKind>);

impl Plugin<HeadKind> {
    /// The plugin of the head that `C` configures; used by [`register_head!`](crate::register_head).
    pub const fn of<C: HeadConfig>(provider: &'static str, version: &'static str) -> Self {
        Self::new::<C>(C::NAME, provider, version, |config, context, device| {
            let head = Self::parse::<C>(C::NAME, config)?.init(context, device)?;
            Ok(Erased::new(Box::new(Holder::new(head))))
        })
    }
}

/// Registers the head that the given [`HeadConfig`] builds.
#[macro_export]
macro_rules! register_head {
    ($config:ty) => {
        $crate::inventory::submit! {
            $crate::Plugin::<$crate::HeadKind>::of::<$config>(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
            )
        }
    };
}
