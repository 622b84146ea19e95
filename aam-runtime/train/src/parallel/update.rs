//! Parameter updates performed jointly by several ranks.
//!
//! A strategy sees parameters and gradients as rows ([`Layout`]). If each rank updates a part of
//! every row, the optimizer receives a module of the [`Shards`], i.e. pieces of the parameters with
//! their own ids, and keeps its state for those only.

use aam_api::{Communicator, ParallelStrategy, Updates};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::layout::{Layout, emptied};
use super::optimizer_state::{check, divided, joined};
use super::shards::Shards;
use crate::optimizer::{norm, scale};
use aam_run::RunError;

/// How gradients change a module; each value must be treated the same way in any tensor.
pub trait UpdateRule {
    /// Returns the module after the update.
    fn apply<M: Module>(&mut self, module: M, gradients: GradientsParams) -> M;
}

/// Performs the updates of this rank.
#[derive(Debug)]
pub struct Updater<'a> {
    strategy: &'a dyn ParallelStrategy,
    layout: Layout,
    /// What this rank updates, if it is not everything.
    shards: Option<Shards>,
}

impl<'a> Updater<'a> {
    /// Creates the updater of `model`, and returns the model with the parameters of rank 0.
    ///
    /// # Errors
    /// A rank that failed.
    pub fn new<M: Module>(
        strategy: &'a dyn ParallelStrategy,
        mut model: M,
    ) -> Result<(Self, M), RunError> {
        let communicator = strategy.communicator();
        let layout = Layout::of(&model);
        let mut shards = None;
        if communicator.size() > 1 {
            for row in &layout.rows {
                let values = communicator.broadcast(row.values(&model))?;
                if let Updates::InParts(parts) = strategy.updates(row.count) {
                    let own = parts.of(communicator.rank());
                    let shards = shards.get_or_insert_with(|| Shards::new(values.device()));
                    shards.add(row, &values, own);
                }
                model = row.fill(model, &values);
            }
        }
        let updater = Self {
            strategy,
            layout,
            shards,
        };
        Ok((updater, model))
    }

    /// The connection between the ranks.
    pub fn communicator(&self) -> &dyn Communicator {
        self.strategy.communicator()
    }

    /// The state of the optimizer for saving, on rank 0, from the part `own` of each rank: whole,
    /// or in parts if required by the strategy.
    ///
    /// # Errors
    /// A rank that failed.
    pub fn saved(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, RunError> {
        if self.shards.is_none() {
            return Ok(vec![own]);
        }
        let communicator = self.strategy.communicator();
        let mut messages = vec![Vec::new(); communicator.size()];
        messages[0] = own;
        let parts = communicator.exchange(messages)?;
        if communicator.rank() > 0 || self.strategy.saves_in_parts() {
            return Ok(parts);
        }
        let whole = joined(parts, &self.layout);
        Ok(vec![whole.map_err(|problem| {
            RunError::Usage(format!(
                "the state of the optimizer cannot be assembled: {problem}"
            ))
        })?])
    }

    /// This rank's part of a state of the optimizer that was saved in `parts`, by any strategy on
    /// any number of ranks.
    ///
    /// # Errors
    /// Parts of something else; as a message.
    pub fn own_state(&self, parts: Vec<Vec<u8>>) -> Result<Vec<u8>, String> {
        let whole = joined(parts, &self.layout)?;
        check(&whole, &self.layout)?;
        match &self.shards {
            None => Ok(whole),
            Some(shards) => divided(whole, shards.ranges()),
        }
    }

    /// The model after an update by `rule` with the sums over the ranks of `gradients`, times
    /// `factor`, clipped to the norm `longest`; and their norm, if known.
    ///
    /// # Errors
    /// A rank that failed.
    pub fn update<M: Module>(
        &mut self,
        mut model: M,
        mut gradients: GradientsParams,
        factor: f64,
        longest: Option<f64>,
        rule: &mut impl UpdateRule,
    ) -> Result<(M, Option<f64>), RunError> {
        let communicator = self.strategy.communicator();
        if communicator.size() == 1 {
            let length = longest.map(|_| norm(&model, &gradients));
            let gradients = limited(&model, gradients, factor, longest, length);
            let model = rule.apply(model, gradients);
            return Ok((model, length.map(|length| length * factor)));
        }
        let mut sums = GradientsParams::new();
        let mut squares = 0.0;
        for (number, row) in self.layout.rows.iter().enumerate() {
            let (values, present) = row.take(&model, &mut gradients);
            let present = communicator.sum(&present)?;
            let values = self.strategy.reduce_gradients(values)?;
            squares += sum_of_squares(&values);
            match &self.shards {
                None => row.put(&model, &values, &present, &mut sums),
                Some(shards) => shards.put((number, &self.layout), &values, &present, &mut sums),
            }
        }
        let Some(mut shards) = self.shards.take() else {
            let length = squares.sqrt();
            let sums = limited(&model, sums, factor, longest, Some(length));
            return Ok((rule.apply(model, sums), Some(length * factor)));
        };
        let length = communicator.sum(&[squares])?[0].sqrt();
        let sums = limited(&shards.pieces, sums, factor, longest, Some(length));
        // During the update, only the pieces are kept in memory.
        model = emptied(model);
        shards.pieces = rule.apply(shards.pieces, sums);
        for (number, row) in self.layout.rows.iter().enumerate() {
            let own = shards.values(number);
            let values = self.strategy.gather_parameters(own, row.count)?;
            model = row.fill(model, &values);
        }
        self.shards = Some(shards);
        Ok((model, Some(length * factor)))
    }
}

/// In 64 bits and in order, so that the norm of a gradient does not depend on the device.
fn sum_of_squares(row: &Tensor<1>) -> f64 {
    let square = |value: f32| f64::from(value).powi(2);
    row.to_data().iter().map(square).sum()
}

/// Multiplies `gradients` by `factor`, or by less if their norm `length` times `factor` exceeds the
/// maximum.
fn limited<M: Module>(
    module: &M,
    gradients: GradientsParams,
    mut factor: f64,
    longest: Option<f64>,
    length: Option<f64>,
) -> GradientsParams {
    if let (Some(longest), Some(length)) = (longest, length) {
        factor *= (longest / (length * factor).max(f64::MIN_POSITIVE)).min(1.0);
    }
    match factor == 1.0 {
        true => gradients,
        false => scale(module, gradients, factor),
    }
}
