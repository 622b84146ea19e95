//! Masked nucleotides: which bases the model has to predict. There is one mask per distinct ASV,
//! drawn from a seeded stream on the host.

use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::tokens::{FIRST_BASE, LAST_BASE, MASK};

/// Maximum number of attempts to place spans that add masked bases.
const ATTEMPTS: usize = 100;

/// Which bases are masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MaskingConfig {
    /// Fraction of the bases to mask, in [0, 1).
    pub ratio: f64,
    /// How they are selected.
    pub strategy: MaskStrategy,
}

/// How masked bases are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MaskStrategy {
    /// Each base independently.
    #[default]
    Random,
    /// Spans of 3 to 5 bases.
    Span,
}

impl Default for MaskingConfig {
    fn default() -> Self {
        Self {
            ratio: 0.15,
            strategy: MaskStrategy::default(),
        }
    }
}

/// Tokens with masked bases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The tokens, with the mask token at masked positions.
    pub tokens: Vec<u8>,
    /// Whether a position is masked.
    pub mask: Vec<bool>,
}

impl MaskingConfig {
    /// Masks bases of the sequences in `tokens`, with `length` tokens each.
    pub fn apply(&self, tokens: &[u8], length: usize, rng: &mut impl Rng) -> Masked {
        let mut mask = vec![false; tokens.len()];
        for (tokens, mask) in tokens.chunks(length).zip(mask.chunks_mut(length)) {
            match self.strategy {
                MaskStrategy::Random => self.choose_bases(tokens, mask, rng),
                MaskStrategy::Span => self.choose_spans(tokens, mask, rng),
            }
        }
        let tokens = tokens
            .iter()
            .zip(&mask)
            .map(|(&token, &masked)| if masked { MASK } else { token })
            .collect();
        Masked { tokens, mask }
    }

    fn choose_bases(&self, tokens: &[u8], mask: &mut [bool], rng: &mut impl Rng) {
        for (&token, masked) in tokens.iter().zip(mask) {
            *masked = is_base(token) && rng.random_bool(self.ratio);
        }
    }

    fn choose_spans(&self, tokens: &[u8], mask: &mut [bool], rng: &mut impl Rng) {
        let bases: Vec<usize> = (0..tokens.len()).filter(|&i| is_base(tokens[i])).collect();
        let mut missing = (bases.len() as f64 * self.ratio) as usize;
        for _ in 0..ATTEMPTS {
            if missing == 0 {
                break;
            }
            let span = rng.random_range(3..=5);
            let start = bases[rng.random_range(0..bases.len())];
            for i in start..(start + span).min(tokens.len()) {
                if missing > 0 && is_base(tokens[i]) && !mask[i] {
                    mask[i] = true;
                    missing -= 1;
                }
            }
        }
    }
}

fn is_base(token: u8) -> bool {
    (FIRST_BASE..=LAST_BASE).contains(&token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_core::random::stream;
    use aam_data::tokens::{AMBIGUOUS, PAD, START};

    fn sequences() -> (Vec<u8>, usize) {
        let one: Vec<u8> = [START]
            .into_iter()
            .chain((0..150).map(|i| if i == 7 { AMBIGUOUS } else { 1 + i % 4 }))
            .chain([PAD; 9])
            .collect();
        (one.repeat(40), one.len())
    }

    fn mask(strategy: MaskStrategy, ratio: f64) -> Masked {
        let (tokens, length) = sequences();
        let config = MaskingConfig { ratio, strategy };
        config.apply(&tokens, length, &mut stream(1, "mask"))
    }

    #[test]
    fn only_bases_are_masked_and_nothing_else_changes() {
        let (tokens, _) = sequences();
        for strategy in [MaskStrategy::Random, MaskStrategy::Span] {
            let masked = mask(strategy, 0.15);
            for ((&before, &after), &hit) in tokens.iter().zip(&masked.tokens).zip(&masked.mask) {
                assert_eq!(after, if hit { MASK } else { before });
                assert!(!hit || is_base(before));
            }
        }
    }

    #[test]
    fn about_the_ratio_is_masked_and_sequences_differ() {
        let masked = mask(MaskStrategy::Random, 0.15);
        let share = masked.mask.iter().filter(|&&m| m).count() as f64 / (40.0 * 149.0);
        assert!((share - 0.15).abs() < 0.02, "{share}");
        let (_, length) = sequences();
        assert_ne!(masked.mask[..length], masked.mask[length..2 * length]);
        assert_eq!(masked, mask(MaskStrategy::Random, 0.15));
    }

    #[test]
    fn spans_mask_exactly_the_ratio_in_runs() {
        let masked = mask(MaskStrategy::Span, 0.15);
        let (_, length) = sequences();
        for mask in masked.mask.chunks(length) {
            assert_eq!(mask.iter().filter(|&&m| m).count(), 22);
            let starts = mask.windows(2).filter(|w| !w[0] && w[1]).count();
            assert!((1..=11).contains(&starts), "{starts} runs");
        }
    }

    #[test]
    fn a_ratio_of_zero_masks_nothing() {
        for strategy in [MaskStrategy::Random, MaskStrategy::Span] {
            assert!(!mask(strategy, 0.0).mask.contains(&true));
        }
    }
}
