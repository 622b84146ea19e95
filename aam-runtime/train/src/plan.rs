//! Default length, learning rate and batches of a run.
//!
//! A sample encoder that is fitted before the training, such as abundance pooling, leaves a small
//! problem on fixed embeddings: it is solved in a few hundred updates on all samples at once, with
//! a high learning rate and a substantial weight decay. Attention pooling trains transformers and
//! requires many small batches with a lower learning rate.

use super::epoch::EpochLengths;
use super::state::Limits;
use crate::options::OptimizationOptions;

/// A batch size that includes all samples of a small study.
const ALL: usize = 256;

/// Length, learning rate and batches of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Maximum number of epochs.
    pub epochs: usize,
    /// Maximum number of updates.
    pub max_steps: usize,
    /// Samples (or ASVs) per batch.
    pub batch_size: usize,
    /// Maximum learning rate.
    pub lr: f64,
    /// Weight decay of the weight matrices.
    pub weight_decay: f64,
}

impl Plan {
    /// The plan for fine-tuning a model, depending on whether its sample encoder is `fitted`
    /// before.
    pub fn finetuning(fitted: bool, options: &OptimizationOptions) -> Self {
        let plan = match fitted {
            true => Self {
                epochs: 200,
                max_steps: 1000,
                batch_size: ALL,
                lr: 3e-3,
                weight_decay: 0.05,
            },
            false => Self::attention(),
        };
        plan.with(options)
    }

    /// The plan for pre-training on distances or on values of samples.
    pub fn distances(fitted: bool, options: &OptimizationOptions) -> Self {
        let plan = match fitted {
            true => Self {
                epochs: usize::MAX,
                max_steps: 400,
                batch_size: 32,
                lr: 3e-3,
                weight_decay: 0.01,
            },
            false => Self::attention(),
        };
        plan.with(options)
    }

    /// The plan for pre-training on masked nucleotides alone.
    pub fn nucleotides(steps: usize, batch_size: usize, options: &OptimizationOptions) -> Self {
        Self {
            epochs: usize::MAX,
            max_steps: steps,
            batch_size,
            lr: options.lr.unwrap_or(3e-3),
            weight_decay: options.weight_decay.unwrap_or(0.01),
        }
    }

    /// The limits of the length of a run with this plan.
    pub fn limits(&self, options: &OptimizationOptions) -> Limits {
        Limits {
            epochs: self.epochs,
            max_steps: self.max_steps,
            patience: options.patience,
            chosen: None,
        }
    }

    /// The number of updates of a run with `samples` samples.
    pub fn updates(&self, samples: usize, options: &OptimizationOptions) -> usize {
        let lengths = EpochLengths {
            rows: samples,
            batch_size: self.batch_size,
            accumulated: options.gradient_accumulation_steps.max(1),
        };
        let all = self.epochs.saturating_mul(lengths.updates_left(0));
        all.min(self.max_steps)
    }

    /// Writes the plan to the options, so that they no longer depend on defaults.
    pub fn record(&self, options: &mut OptimizationOptions) {
        let limit = |most: usize| (most != usize::MAX).then_some(most);
        options.epochs = limit(self.epochs);
        options.max_steps = limit(self.max_steps);
        options.batch_size = Some(self.batch_size);
        options.lr = Some(self.lr);
        options.weight_decay = Some(self.weight_decay);
    }

    fn attention() -> Self {
        Self {
            epochs: 100,
            max_steps: usize::MAX,
            batch_size: 8,
            lr: 1e-3,
            weight_decay: 0.01,
        }
    }

    /// A limit given by the user lifts the other one.
    fn with(self, options: &OptimizationOptions) -> Self {
        let (epochs, max_steps) = match (options.epochs, options.max_steps) {
            (None, None) => (self.epochs, self.max_steps),
            (epochs, steps) => (epochs.unwrap_or(usize::MAX), steps.unwrap_or(usize::MAX)),
        };
        Self {
            epochs,
            max_steps,
            batch_size: options.batch_size.unwrap_or(self.batch_size),
            lr: options.lr.unwrap_or(self.lr),
            weight_decay: options.weight_decay.unwrap_or(self.weight_decay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_given_by_the_user_replaces_the_others() {
        let mut options = OptimizationOptions::default();
        let plan = |options: &_| Plan::finetuning(true, options);
        assert_eq!(
            (plan(&options).epochs, plan(&options).max_steps),
            (200, 1000)
        );
        options.epochs = Some(3000);
        assert_eq!(
            (plan(&options).epochs, plan(&options).max_steps),
            (3000, usize::MAX)
        );
        options.max_steps = Some(7);
        assert_eq!((plan(&options).epochs, plan(&options).max_steps), (3000, 7));
        options.epochs = None;
        assert_eq!(plan(&options).epochs, usize::MAX);
    }

    #[test]
    fn the_recorded_options_give_the_same_plan() {
        for fitted in [true, false] {
            for plan in [Plan::finetuning, Plan::distances] {
                let mut options = OptimizationOptions::default();
                let first = plan(fitted, &options);
                first.record(&mut options);
                assert_eq!(plan(fitted, &options), first);
            }
        }
    }
}
