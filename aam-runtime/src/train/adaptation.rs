//! What of a base learns in training: all of it, nothing, or adapters.

use burn::tensor::Device;

use super::inference::FineTuned;
use super::session::seeded;
use crate::error::RunError;
use crate::model::{ModelConfig, SamplePooling};
use crate::options::TrainOptions;

/// Whether the base stays as it is.
///
/// # Errors
/// Settings of adapters at odds with the others.
pub fn freezes(options: &TrainOptions, config: &ModelConfig) -> Result<bool, RunError> {
    let adaptation = &options.adaptation;
    let usage = |problem: String| Err(RunError::Usage(problem));
    let Some(rank) = adaptation.lora_rank else {
        return match adaptation.lora_alpha {
            Some(_) => usage("--lora-alpha does nothing without --lora-rank".to_owned()),
            None => Ok(options
                .freeze_base
                .unwrap_or(config.pooling == SamplePooling::Abundance)),
        };
    };
    if options.freeze_base == Some(true) {
        return usage(
            "--lora-rank: adapters learn in the base, and --freeze-base forbids it; leave out one of the two".to_owned(),
        );
    }
    if options.pretrained_encoder.is_none() {
        return usage(
            "--lora-rank: there is nothing to adapt without --pretrained-encoder".to_owned(),
        );
    }
    if rank == 0 || rank > config.dim {
        return usage(format!(
            "--lora-rank: expected a number from 1 to {}, the width of the embeddings, found {rank}",
            config.dim
        ));
    }
    if let Some(alpha) = adaptation.lora_alpha
        && !(alpha.is_finite() && alpha > 0.0)
    {
        return usage(format!(
            "--lora-alpha: expected a number above 0, found {alpha}"
        ));
    }
    Ok(false)
}

/// The model with adapters in its base, if `options` ask for them.
///
/// # Errors
/// Never in practice.
pub fn adapted(
    mut model: FineTuned,
    options: &TrainOptions,
    device: &Device,
) -> Result<FineTuned, RunError> {
    let Some(rank) = options.adaptation.lora_rank else {
        return Ok(model);
    };
    let alpha = options.adaptation.lora_alpha.unwrap_or(rank as f64);
    let base = model.predictor.base;
    let seed = options.optimization.seed;
    model.predictor.base = seeded(seed, "initial weights of the adapters", device, || {
        Ok(base.with_adapters(rank, alpha))
    })?;
    Ok(model)
}
