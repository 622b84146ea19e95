//! Parallel strategies: how a step of training spreads over ranks.
//!
//! The runtime divides a batch over the ranks, so that their gradients add up to those of the whole
//! batch. A strategy says what happens then: which rank updates which parameters, how the gradients
//! get there and how the parameters come back. It sees both as rows of numbers, each a few whole
//! parameters that learn laid end to end.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Communicator, Kind, Plugin, PluginError};

/// What a strategy is built for.
#[derive(Clone, Debug)]
pub struct StrategyContext {
    /// The devices the user gave, in order; at least one.
    pub devices: Vec<Device>,
    /// This rank's connection to the others.
    pub communicator: Arc<dyn Communicator>,
}

/// Which rank updates which parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updates {
    /// Every rank updates all of them, alike.
    Everywhere,
    /// Each rank updates its part: one for each rank, in order, together all of them.
    InParts(Vec<Range<usize>>),
}

/// A parallel strategy, as one rank of it sees the world.
pub trait ParallelStrategy: Debug + Send + Sync {
    /// This rank's connection to the others.
    fn communicator(&self) -> &dyn Communicator;

    /// The device this rank computes on.
    fn device(&self) -> Device;

    /// How many ranks the user wants in this process. If more than one, the strategy is built
    /// again for each of them, with a communicator that connects them.
    fn local_ranks(&self) -> usize {
        1
    }

    /// Which rank updates which of the `count` parameters of a row; the same answer on every rank,
    /// and of the same kind for every row.
    fn updates(&self, count: usize) -> Updates;

    /// Whether checkpoints hold the state of the optimizer in the parts that ranks have of it, and
    /// not whole. Both are read by any strategy on any number of ranks.
    fn saves_in_parts(&self) -> bool {
        false
    }

    /// The sums over the ranks of the gradients of those parameters of a row that this rank
    /// updates, from its own gradients of the row; collective.
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn reduce(&self, gradients: Vec<f32>) -> Result<Vec<f32>, PluginError> {
        match self.updates(gradients.len()) {
            Updates::Everywhere => self.communicator().all_reduce(gradients),
            Updates::InParts(parts) => self.communicator().reduce_scatter(&gradients, &parts),
        }
    }

    /// All `count` parameters of a row, from those that this rank updates; collective.
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn share(&self, updated: Vec<f32>, count: usize) -> Result<Vec<f32>, PluginError> {
        match self.updates(count) {
            Updates::Everywhere => Ok(updated),
            Updates::InParts(_) => self.communicator().all_gather_values(&updated),
        }
    }
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
