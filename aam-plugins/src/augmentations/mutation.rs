//! Errors in sequences.

use aam_api::tokens::{FIRST_BASE, LAST_BASE};
use aam_api::{
    Augmentation, AugmentationConfig, AugmentationContext, AugmentationKind, Kind, PluginError,
};
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generator;

/// Replaces bases of the ASVs by one of the three others, each with the probability `rate`, so that
/// the encoder learns to ignore differences as small as sequencing errors.
///
/// Needs an encoder that is trained: a frozen one encodes each ASV once per run, and would learn
/// nothing from errors. All samples of a batch that have an ASV see the same errors in it. Masked
/// nucleotides are predicted as they are in the study.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MutationConfig {
    /// Probability that a base is replaced.
    #[schemars(extend("minimum" = 0, "maximum" = 1))]
    pub rate: f64,
}

impl Default for MutationConfig {
    fn default() -> Self {
        Self { rate: 0.01 }
    }
}

/// The augmentation that [`MutationConfig`] builds.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    rate: f64,
}

impl AugmentationConfig for MutationConfig {
    const NAME: &'static str = "mutation";
    type Augmentation = Mutation;

    fn init(&self, context: &AugmentationContext) -> Result<Mutation, PluginError> {
        let (kind, name) = (AugmentationKind::NAME, Self::NAME);
        if !(0.0..=1.0).contains(&self.rate) {
            let expected = "a number from 0 to 1";
            return Err(PluginError::bad_option(
                kind, name, "rate", expected, self.rate,
            ));
        }
        if !context.reads_sequences {
            let what = "an ASV encoder that reads the sequences in every update, but here each ASV \
                        is encoded once per run, and would have the same errors throughout, or \
                        features have no sequences; train \
                        the encoder (--no-freeze-base in training, --sample-encoder attention in \
                        pre-training), or leave the augmentation out";
            return Err(PluginError::needs(kind, name, what));
        }
        Ok(Mutation { rate: self.rate })
    }
}

impl Augmentation for Mutation {
    fn changes_sequences(&self) -> bool {
        true
    }

    fn mutate(&self, tokens: &mut [u8], seed: u64) {
        let mut rng = generator(seed);
        let bases = u32::from(LAST_BASE - FIRST_BASE) + 1;
        for token in tokens {
            let is_base = (FIRST_BASE..=LAST_BASE).contains(token);
            if is_base && rng.random::<f64>() < self.rate {
                let further = rng.random_range(1..bases);
                let base = (u32::from(*token - FIRST_BASE) + further) % bases;
                *token = FIRST_BASE + base as u8;
            }
        }
    }
}

aam_api::register_augmentation!(MutationConfig);

#[cfg(test)]
mod tests {
    use aam_api::tokens::{AMBIGUOUS, MASK, PAD, START};

    use super::*;
    use crate::augmentations::training;

    #[test]
    fn bases_are_replaced_at_the_given_rate_and_nothing_else_changes() {
        let mutation = MutationConfig { rate: 0.1 }.init(&training()).unwrap();
        let mut before = vec![START, MASK, AMBIGUOUS, PAD];
        before.extend((0..40_000).map(|place| FIRST_BASE + (place % 4) as u8));
        let mut after = before.clone();
        mutation.mutate(&mut after, 5);
        assert_eq!(after[..4], before[..4]);
        assert!(after[4..].iter().all(|token| (1..=4).contains(token)));
        let pairs = || after.iter().zip(&before);
        let changed = pairs().filter(|(after, before)| after != before).count();
        // 4000 of 40,000, with a standard deviation of 60.
        assert!((3700..4300).contains(&changed), "{changed}");
        for base in FIRST_BASE..=LAST_BASE {
            let others = pairs().filter(|(after, before)| **before == 1 && **after == base);
            let expected = if base == 1 { 8000..10_000 } else { 250..450 };
            assert!(expected.contains(&others.count()), "{base}");
        }
        let mut again = before.clone();
        mutation.mutate(&mut again, 5);
        assert_eq!(again, after);
        mutation.mutate(&mut before, 6);
        assert_ne!(before, after);
    }

    #[test]
    fn an_encoder_that_reads_sequences_once_is_refused() {
        let error = MutationConfig::default().init(&AugmentationContext::new());
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("needs an ASV encoder that reads") && error.contains("--no-freeze-base"),
            "{error}"
        );
        assert!(MutationConfig { rate: 1.5 }.init(&training()).is_err());
    }
}
