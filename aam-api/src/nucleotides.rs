//! How well masked nucleotides are predicted.

use std::ops::AddAssign;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Int, Tensor};

/// How well nucleotides are predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Guesses {
    /// Sum of the cross-entropies, in nats.
    pub loss: f64,
    /// Number of correct predictions.
    pub right: usize,
}

impl AddAssign for Guesses {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.right += other.right;
    }
}

/// Cross-entropy of the tokens at the selected positions, summed, and the number of positions, so
/// that groups of ASVs can be added up.
///
/// `logits` is `[ASVs, length, vocabulary]`; `tokens` and `selected` are `[ASVs, length]`.
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

/// Number of selected positions predicted correctly; shapes as in [`nucleotide_loss`].
pub fn nucleotide_accuracy(
    logits: Tensor<3>,
    tokens: Tensor<2, Int>,
    selected: Tensor<2, Bool>,
) -> Tensor<1> {
    let guessed: Tensor<2, Int> = logits.argmax(2).squeeze_dim(2);
    guessed.equal(tokens).bool_and(selected).float().sum()
}
