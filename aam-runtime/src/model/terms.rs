//! The terms of the training loss that are not components, each a scalar `[1]`.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Int, Tensor};

/// Mean squared error of predicted distances over the pairs of a batch, both `[batch, batch]`; 0
/// for a single sample.
pub fn unifrac_loss(predicted: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let [batch, _] = predicted.dims();
    let pairs = (batch * batch.saturating_sub(1) / 2).max(1);
    (predicted - target).square().triu(1).sum() / pairs as f64
}

/// Cross-entropy of the tokens at the selected positions: its sum, and the number of positions,
/// so that groups of ASVs add up.
///
/// `logits` is `[unique, length, vocabulary]`; `tokens` and `selected` are `[unique, length]`.
pub fn nucleotide_loss(
    logits: Tensor<3>,
    tokens: Tensor<2, Int>,
    selected: Tensor<2, Bool>,
) -> (Tensor<1>, Tensor<1>) {
    let selected = selected.float();
    let likelihood: Tensor<2> = log_softmax(logits, 2)
        .gather(2, tokens.unsqueeze_dim(2))
        .squeeze_dim(2);
    ((likelihood * selected.clone()).sum().neg(), selected.sum())
}

/// How many of the selected positions are guessed right, shapes as in [`nucleotide_loss`].
pub fn nucleotide_accuracy(
    logits: Tensor<3>,
    tokens: Tensor<2, Int>,
    selected: Tensor<2, Bool>,
) -> Tensor<1> {
    let guessed: Tensor<2, Int> = logits.argmax(2).squeeze_dim(2);
    guessed.equal(tokens).bool_and(selected).float().sum()
}

/// Mean squared error of guessed abundances over the ASVs of a batch, all `[batch, asvs]`.
pub fn count_loss(predicted: Tensor<2>, target: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
    let valid = mask.float();
    let number = valid.clone().sum().clamp_min(1.0);
    ((predicted - target).square() * valid).sum() / number
}

/// Mean of the losses `[batch, targets]`, each sample's multiplied by its weight `[batch]`.
pub fn target_loss(losses: Tensor<2>, weights: Option<Tensor<1>>) -> Tensor<1> {
    match weights {
        Some(weights) => (losses * weights.unsqueeze_dim(1)).mean(),
        None => losses.mean(),
    }
}
