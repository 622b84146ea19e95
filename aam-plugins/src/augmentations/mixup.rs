//! Mixtures of samples.

use aam_api::{
    Augmentation, AugmentationConfig, AugmentationContext, AugmentationDraw, AugmentationKind,
    AugmentedSample, Kind, PluginError, SamplePool,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

use super::generator;

/// Mixes the composition of a sample with that of another of the same class, or, for numbers, of
/// one of the samples with the nearest targets, whose targets are mixed in the same way.
///
/// Relative abundances are mixed, `p = λ p₁ + (1 − λ) p₂` with `λ ~ Beta(alpha, alpha)`, as if the
/// communities had been, and reported at the depth of the sample (mixup: Zhang et al., ICLR 2018; with
/// near targets: Yao et al., C-Mixup, NeurIPS 2022). The larger weight is always that of the sample
/// itself. With several targets, all classes agree, and distances are over all numbers, on the scale
/// of training. A sample without a partner stays as it is, and weights and categories remain those of
/// the sample.
///
/// Mixtures have fractions of reads, and more ASVs than samples of their depth;
/// `mixup,rarefaction` draws whole reads of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MixupConfig {
    /// Shape of the distribution of weights: near 0, most samples remain nearly as they are; at 1, all
    /// weights are equally probable; far above, halves are mixed.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1000))]
    pub alpha: f64,
    /// Number of samples with the nearest numbers among which a partner is drawn.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub neighbours: usize,
}

impl Default for MixupConfig {
    fn default() -> Self {
        Self {
            alpha: 0.4,
            neighbours: 10,
        }
    }
}

/// The augmentation that [`MixupConfig`] builds.
#[derive(Clone, Debug)]
pub struct Mixup {
    weights: Beta,
    neighbours: usize,
}

impl AugmentationConfig for MixupConfig {
    const NAME: &'static str = "mixup";
    type Augmentation = Mixup;

    fn init(&self, context: &AugmentationContext) -> Result<Mixup, PluginError> {
        let (kind, name) = (AugmentationKind::NAME, Self::NAME);
        if !context.has_targets {
            let what = "targets, which say what samples may be mixed; pre-training has none, so \
                        leave the augmentation out";
            return Err(PluginError::needs(kind, name, what));
        }
        if context.learns_distances {
            let what = "be combined with --unifrac-weight, because distances are not known for \
                        mixtures of samples; leave out one of the two";
            return Err(PluginError::cannot(format!("{kind} '{name}'"), what));
        }
        if self.neighbours == 0 {
            let expected = "at least 1";
            return Err(PluginError::bad_option(
                kind,
                name,
                "neighbours",
                expected,
                0,
            ));
        }
        let weights = Beta::new(self.alpha, self.alpha).map_err(|_| {
            let expected = "a number above 0";
            PluginError::bad_option(kind, name, "alpha", expected, self.alpha)
        })?;
        Ok(Mixup {
            weights,
            neighbours: self.neighbours,
        })
    }
}

impl Mixup {
    /// The weight of a sample itself, at least one half.
    fn weight(&self, rng: &mut ChaCha8Rng) -> f64 {
        let weight = self.weights.inverse_cdf(rng.random::<f64>());
        let weight = weight.clamp(0.0, 1.0);
        weight.max(1.0 - weight)
    }

    /// The samples among which a partner of the sample `own` is drawn: those of the same classes, and
    /// of them those with the nearest numbers.
    fn partners(&self, pool: &dyn SamplePool, own: usize) -> Vec<usize> {
        let (classes, targets) = (pool.are_classes(), pool.targets(own));
        // Infinite if a class differs.
        let distance = |number: usize| -> f64 {
            let pairs = targets.iter().zip(pool.targets(number)).zip(classes);
            pairs
                .map(|((a, b), is_class)| match is_class {
                    true if a == b => 0.0,
                    true => f64::INFINITY,
                    false => (a - b).powi(2),
                })
                .sum()
        };
        let others = (0..pool.samples()).filter(|number| *number != own);
        let others = others.map(|number| (distance(number), number));
        let mut others: Vec<(f64, usize)> = others.filter(|(far, _)| far.is_finite()).collect();
        if classes.iter().any(|is_class| !is_class) && others.len() > self.neighbours {
            others.sort_by(|a, b| a.0.total_cmp(&b.0));
            // Those as near as the last one are equally eligible.
            let farthest = others[self.neighbours - 1].0;
            others.retain(|(far, _)| *far <= farthest);
        }
        others.into_iter().map(|(_, number)| number).collect()
    }
}

impl Augmentation for Mixup {
    fn augment(&self, sample: AugmentedSample, draw: &AugmentationDraw<'_>) -> AugmentedSample {
        let mut rng = generator(draw.seed);
        let partners = self.partners(draw.pool, draw.own);
        if partners.is_empty() {
            return sample;
        }
        let partner = draw
            .pool
            .sample(partners[rng.random_range(0..partners.len())]);
        mixed(
            &sample,
            &partner,
            self.weight(&mut rng),
            draw.pool.are_classes(),
        )
    }
}

/// The mixture of two samples, at the depth of the first, which has the weight `weight`.
fn mixed(
    sample: &AugmentedSample,
    partner: &AugmentedSample,
    weight: f64,
    classes: &[bool],
) -> AugmentedSample {
    let depth = sample.depth();
    let scales = [weight, (1.0 - weight) * depth / partner.depth()];
    let mut entries = Vec::with_capacity(sample.asvs.len() + partner.asvs.len());
    for (side, scale) in [sample, partner].into_iter().zip(scales) {
        let reads = side.reads.iter().map(|reads| f64::from(*reads) * scale);
        entries.extend(side.asvs.iter().copied().zip(reads));
    }
    entries.sort_by_key(|(asv, _)| *asv);
    let (mut asvs, mut reads) = (Vec::new(), Vec::new());
    for same in entries.chunk_by(|a, b| a.0 == b.0) {
        let sum = same.iter().map(|(_, reads)| reads).sum::<f64>() as f32;
        // A weight of 0, or close to it, leaves nothing of an ASV.
        if sum > 0.0 {
            asvs.push(same[0].0);
            reads.push(sum);
        }
    }
    let targets = sample.targets.iter().zip(&partner.targets).zip(classes);
    let targets = targets.map(|((own, other), is_class)| match is_class {
        true => *own,
        false => weight * own + (1.0 - weight) * other,
    });
    AugmentedSample::new(asvs, reads, targets.collect())
}

aam_api::register_augmentation!(MixupConfig);

#[cfg(test)]
mod tests {
    use aam_api::testing::KnownSamples;

    use super::*;
    use crate::augmentations::training;

    fn mixup(neighbours: usize) -> Mixup {
        let config = MixupConfig {
            alpha: 1.0,
            neighbours,
        };
        config.init(&training()).unwrap()
    }

    /// A sample with its own ASV, an ASV in common with all others, and one target per sample.
    fn pool(targets: &[f64], is_class: bool) -> KnownSamples {
        let sample = |(number, target): (usize, &f64)| {
            let asvs = vec![number as u32, 100];
            AugmentedSample::new(asvs, vec![30.0, 10.0 + number as f32], vec![*target])
        };
        KnownSamples {
            samples: targets.iter().enumerate().map(sample).collect(),
            classes: vec![is_class],
        }
    }

    #[test]
    fn reads_and_numbers_are_mixed_with_the_same_weight() {
        let pool = pool(&[1.0, 3.0], false);
        let mixup = mixup(5);
        for seed in 0..50 {
            let sample = pool.samples[0].clone();
            let after = mixup.augment(sample.clone(), &pool.draw(0, seed));
            assert_eq!(after.asvs, [0, 1, 100]);
            assert!((after.depth() - sample.depth()).abs() < 1e-3);
            let weight = f64::from(after.reads[0]) / 30.0;
            assert!((0.5..=1.0).contains(&weight), "{weight}");
            assert!((after.targets[0] - (weight + 3.0 * (1.0 - weight))).abs() < 1e-5);
            // 30 of the 41 reads of the other.
            let others = (1.0 - weight) * 40.0 * 30.0 / 41.0;
            assert!((f64::from(after.reads[1]) - others).abs() < 1e-3);
            assert_eq!(after, mixup.augment(sample, &pool.draw(0, seed)));
        }
    }

    #[test]
    fn mixtures_stay_within_a_class() {
        let pool = pool(&[0.0, 1.0, 0.0, 1.0, 0.0, 2.0], true);
        let mixup = mixup(1);
        let mut partners = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let after = mixup.augment(pool.samples[0].clone(), &pool.draw(0, seed));
            assert_eq!(after.targets, [0.0]);
            partners.extend(after.asvs);
        }
        assert_eq!(partners.into_iter().collect::<Vec<_>>(), [0, 2, 4, 100]);
        // The only one of its class.
        let alone = pool.samples[5].clone();
        assert_eq!(mixup.augment(alone.clone(), &pool.draw(5, 1)), alone);
    }

    #[test]
    fn partners_are_those_with_the_nearest_numbers() {
        let pool = pool(&[5.0, 1.0, 4.0, 9.0, 6.5, 4.0], false);
        let sorted = |mut partners: Vec<usize>| {
            partners.sort_unstable();
            partners
        };
        assert_eq!(sorted(mixup(1).partners(&pool, 0)), [2, 5]);
        assert_eq!(sorted(mixup(3).partners(&pool, 0)), [2, 4, 5]);
        assert_eq!(sorted(mixup(9).partners(&pool, 0)), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn runs_without_targets_or_with_distances_are_refused() {
        let refused = |context: AugmentationContext| {
            let built = MixupConfig::default().init(&context);
            built.unwrap_err().to_string()
        };
        let without = refused(AugmentationContext::new());
        assert!(without.contains("pre-training has none"), "{without}");
        let distances = refused(training().learning_distances(true));
        assert!(distances.contains("--unifrac-weight"), "{distances}");
    }
}
