//! Parallel strategies: how a step of training spreads over devices and processes.

use std::fmt::Debug;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Kind, Plugin, PluginError};

/// What a strategy is built for.
#[derive(Clone, Debug)]
pub struct StrategyContext {
    /// The devices the user gave, in order; at least one.
    pub devices: Vec<Device>,
}

/// A parallel strategy, as one rank of it sees the world.
///
/// Every method with several ranks is collective: all ranks call it, in the same order.
pub trait ParallelStrategy: Debug + Send + Sync {
    /// This rank, from 0; rank 0 writes the files.
    fn rank(&self) -> usize;

    /// Number of ranks.
    fn size(&self) -> usize;

    /// The device this rank computes on.
    fn device(&self) -> Device;

    /// The embeddings of all ranks in rank order, `[sum of batches, dim]`, from this rank's
    /// `[batch, dim]`; gradient flows to this rank's own rows only.
    ///
    /// # Errors
    /// A rank that cannot be reached.
    fn gather(&self, local: Tensor<2>) -> Result<Tensor<2>, PluginError>;

    /// The sum of the gradients over the ranks.
    ///
    /// # Errors
    /// A rank that cannot be reached.
    fn sum_gradients(&self, gradients: GradientsParams) -> Result<GradientsParams, PluginError>;

    /// The sum of each value over the ranks.
    ///
    /// # Errors
    /// A rank that cannot be reached.
    fn sum(&self, values: Vec<f64>) -> Result<Vec<f64>, PluginError>;

    /// What rank 0 passes in, on every rank.
    ///
    /// # Errors
    /// A rank that cannot be reached.
    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, PluginError>;
}

/// The options of a strategy and how to build it.
pub trait StrategyConfig:
    Clone + Debug + Default + Serialize + DeserializeOwned + JsonSchema
{
    /// The name people choose it by.
    const NAME: &'static str;
    /// What it builds.
    type Strategy: ParallelStrategy + 'static;

    /// Builds this rank's view of the strategy.
    ///
    /// # Errors
    /// An option out of range, or devices and ranks that do not fit it.
    fn init(&self, context: &StrategyContext) -> Result<Self::Strategy, PluginError>;
}

/// The kind of [`ParallelStrategy`].
#[derive(Clone, Copy, Debug)]
pub struct StrategyKind;

impl Kind for StrategyKind {
    const NAME: &'static str = "strategy";
    type Context = StrategyContext;
    type Component = Box<dyn ParallelStrategy>;

    fn plugins() -> Vec<&'static Plugin<Self>> {
        inventory::iter::<Plugin<Self>>.into_iter().collect()
    }
}

inventory::collect!(Plugin<StrategyKind>);

impl Plugin<StrategyKind> {
    /// The plugin of the strategy that `C` configures; used by
    /// [`register_strategy!`](crate::register_strategy).
    pub const fn of<C: StrategyConfig>(provider: &'static str, version: &'static str) -> Self {
        Self::new::<C>(C::NAME, provider, version, |config, context, _device| {
            Ok(Box::new(Self::parse::<C>(C::NAME, config)?.init(context)?))
        })
    }
}

/// Registers the strategy that the given [`StrategyConfig`] builds.
#[macro_export]
macro_rules! register_strategy {
    ($config:ty) => {
        $crate::inventory::submit! {
            $crate::Plugin::<$crate::StrategyKind>::of::<$config>(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
            )
        }
    };
}
