//! Adaptation of the base in training: full fine-tuning, freezing, or adapters.

use burn::tensor::Device;

use super::inference::FineTuned;
use super::session::seeded;
use crate::options::TrainOptions;
use aam_model::ModelConfig;
use aam_run::RunError;

/// Whether the base is frozen.
///
/// # Errors
/// Adapter options that conflict with other options.
pub fn freezes(options: &TrainOptions, config: &ModelConfig) -> Result<bool, RunError> {
    let adaptation = &options.adaptation;
    let refused = |problem: &str| Err(RunError::setting("lora-rank", problem));
    let Some(rank) = adaptation.lora_rank else {
        return match adaptation.lora_alpha {
            Some(_) => {
                let problem = "it does nothing without --lora-rank";
                Err(RunError::setting("lora-alpha", problem))
            }
            None => Ok(options
                .freeze_base
                .unwrap_or(config.sample_ways()?.is_fitted)),
        };
    };
    if options.freeze_base == Some(true) {
        return refused(
            "adapters are trained in the base, but --freeze-base freezes it; leave out one of the two",
        );
    }
    if options.pretrained_encoder.is_none() {
        return refused("there is nothing to adapt without --pretrained-encoder");
    }
    if rank > config.dim {
        return refused(&format!(
            "expected a number from 1 to {}, the width of the embeddings, found {rank}",
            config.dim
        ));
    }
    Ok(false)
}

/// Adds adapters to the base of the model, if requested in `options`.
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
