//! The terms of the training loss that are not components, each a scalar `[1]`.

use burn::tensor::{Bool, Tensor};

/// The mean squared error of predicted distances over the pairs of a batch, both `[batch, batch]`;
/// 0 for a single sample.
pub fn unifrac_loss(predicted: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let [batch, _] = predicted.dims();
    let pairs = (batch * batch.saturating_sub(1) / 2).max(1);
    (predicted - target).square().triu(1).sum() / pairs as f64
}

/// The mean squared error of predicted abundances over the ASVs of a batch, all `[batch, asvs]`.
pub fn count_loss(predicted: Tensor<2>, target: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
    let valid = mask.float();
    let number = valid.clone().sum().clamp_min(1.0);
    ((predicted - target).square() * valid).sum() / number
}

/// The mean of the losses `[batch, targets]`, each multiplied by its sample's weight `[batch]`.
pub fn target_loss(losses: Tensor<2>, weights: Option<Tensor<1>>) -> Tensor<1> {
    match weights {
        Some(weights) => (losses * weights.unsqueeze_dim(1)).mean(),
        None => losses.mean(),
    }
}
