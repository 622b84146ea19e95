//! Parallel strategies: how a training step is distributed over ranks.
//!
//! The runtime divides a batch over the ranks so that their gradients add up to those of the whole
//! batch; models see only their rank's share. A strategy decides how the ranks cooperate: which of them
//! updates which parameters, how gradients get there and parameters come back, and how embeddings are
//! gathered and their gradients summed. It sees parameters and gradients as rows: each row is a 1-D
//! tensor of a few whole trainable parameters, concatenated.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use serde_json::{Map, Value};

use crate::{Communicator, Parts, PluginError, Stage};

/// What a strategy is built from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StrategyContext {
    /// The devices given by the user, in order; at least one.
    pub devices: Vec<Device>,
    /// This rank's connection to the others.
    pub communicator: Arc<dyn Communicator>,
}

impl StrategyContext {
    /// The devices given by the user, at least one, and this rank's connection to the others.
    pub fn new(devices: Vec<Device>, communicator: Arc<dyn Communicator>) -> Self {
        Self {
            devices,
            communicator,
        }
    }
}

/// Which rank updates which parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updates {
    /// Every rank updates all of them identically.
    Everywhere,
    /// Each rank updates its part.
    InParts(Parts),
}

/// A parallel strategy, as seen by one rank.
pub trait ParallelStrategy: Debug + Send + Sync {
    /// This rank's connection to the others.
    fn communicator(&self) -> &dyn Communicator;

    /// The device this rank computes on.
    fn device(&self) -> Device;

    /// Number of ranks that the user wants in this process. If there is more than one, the strategy is
    /// built again for each of them, with a communicator that connects them.
    fn local_ranks(&self) -> usize {
        1
    }

    /// Returns which rank updates which of the `count` parameters of a row; the answer is the same on
    /// every rank, and of the same variant for every row.
    fn updates(&self, count: usize) -> Updates;

    /// Whether checkpoints store the optimizer state in the ranks' parts rather than as a whole. Any
    /// strategy on any number of ranks reads both.
    fn saves_in_parts(&self) -> bool {
        false
    }

    /// Sums the `gradients` of a row over the ranks and returns the sums for those parameters that this
    /// rank updates; collective.
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn reduce_gradients(&self, gradients: Tensor<1>) -> Result<Tensor<1>, PluginError> {
        let [count] = gradients.dims();
        match self.updates(count) {
            Updates::Everywhere => self.communicator().all_reduce(gradients),
            Updates::InParts(parts) => self.communicator().reduce_scatter(gradients, &parts),
        }
    }

    /// Returns all `count` parameters of a row, given those that this rank updates; collective.
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn gather_parameters(
        &self,
        updated: Tensor<1>,
        count: usize,
    ) -> Result<Tensor<1>, PluginError> {
        match self.updates(count) {
            Updates::Everywhere => Ok(updated),
            Updates::InParts(parts) => self.communicator().all_gather(updated, &parts),
        }
    }

    /// Gathers all rows, `[rows, width]`, from this rank's `own` part of `parts`, `[own rows, width]`;
    /// collective. Gradients flow to this rank's rows: they are complete if every rank computes the same
    /// from all rows, and otherwise need to be summed over the ranks with
    /// [`reduce_rows`](Self::reduce_rows).
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn gather_rows(&self, own: Tensor<2>, parts: &Parts) -> Result<Tensor<2>, PluginError> {
        let communicator = self.communicator();
        if communicator.size() == 1 {
            return Ok(own);
        }
        let [rows, width] = own.dims();
        let numbers = own.clone().inner().reshape([rows * width]);
        let all = communicator.all_gather(numbers, &parts.times(width))?;
        let all = all.reshape([parts.count(), width]);
        if !own.is_autodiff() {
            return Ok(all);
        }
        let (all, place) = (all.autodiff(), parts.of(communicator.rank()));
        let before = all.clone().slice(0..place.start);
        let after = all.slice(place.end..parts.count());
        Ok(Tensor::cat(vec![before, own, after], 0))
    }

    /// Sums the `gradient` with respect to all rows, `[rows, width]`, over the ranks, and returns the sums
    /// for this rank's part of `parts`, `[own rows, width]`; collective. The adjoint of
    /// [`gather_rows`](Self::gather_rows).
    ///
    /// # Errors
    /// A rank that failed or cannot be reached.
    fn reduce_rows(&self, gradient: Tensor<2>, parts: &Parts) -> Result<Tensor<2>, PluginError> {
        let communicator = self.communicator();
        if communicator.size() == 1 {
            return Ok(gradient);
        }
        let [rows, width] = gradient.dims();
        let numbers = gradient.reshape([rows * width]);
        let own = communicator.reduce_scatter(numbers, &parts.times(width))?;
        Ok(own.reshape([parts.of(communicator.rank()).len(), width]))
    }
}

crate::define_kind! {
    /// The kind of [`ParallelStrategy`].
    pub struct StrategyKind: Kind<Context = StrategyContext> {
        const NAME: &'static str = "strategy";
        const SUMMARY: &'static str = "How a training step is distributed over ranks";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const PLACE: u32 = 40;
        const LABELS_RUNS: bool = true;
        const ONLY_HOW: bool = true;
        const MAY_CHANGE: bool = true;

        fn default_component(_: &Map<String, Value>) -> Option<&'static str> {
            Some("single")
        }
    }

    /// The options of a strategy and how to build it.
    pub trait StrategyConfig {
        /// This rank's view of the strategy.
        type Strategy: ParallelStrategy;
    }

    /// A strategy of any type.
    pub type BoxedStrategy = boxed;
}

/// Registers the strategy that the given [`StrategyConfig`](crate::StrategyConfig) builds.
#[macro_export]
macro_rules! register_strategy {
    ($config:ty) => {
        $crate::register!($crate::StrategyKind, $config);
    };
}
