//! ASVs left out.

use aam_api::{
    Augmentation, AugmentationConfig, AugmentationContext, AugmentationDraw, AugmentationKind,
    AugmentedSample, Kind, PluginError,
};
use rand::seq::index;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generator;

/// Leaves out a share of the ASVs of a sample, drawn without regard to their reads. At least one ASV
/// stays, and those that stay keep their reads.
///
/// The network then cannot rely on single ASVs, which other studies, or deeper and shallower
/// sequencing, may lack. Compositional feature dropout (Gordon-Rodriguez et al., *Data augmentation
/// for compositional data*, NeurIPS 2022) does the same with all features of a table.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AsvDropoutConfig {
    /// Share of the ASVs that are left out, rounded to a whole number.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub share: f64,
}

impl Default for AsvDropoutConfig {
    fn default() -> Self {
        Self { share: 0.1 }
    }
}

/// The augmentation that [`AsvDropoutConfig`] builds.
#[derive(Clone, Copy, Debug)]
pub struct AsvDropout {
    share: f64,
}

impl AugmentationConfig for AsvDropoutConfig {
    const NAME: &'static str = "asv-dropout";
    type Augmentation = AsvDropout;

    fn init(&self, _: &AugmentationContext) -> Result<AsvDropout, PluginError> {
        match (0.0..1.0).contains(&self.share) {
            true => Ok(AsvDropout { share: self.share }),
            false => Err(PluginError::bad_option(
                AugmentationKind::NAME,
                Self::NAME,
                "share",
                "a number from 0 to below 1",
                self.share,
            )),
        }
    }
}

impl Augmentation for AsvDropout {
    fn augment(&self, sample: AugmentedSample, draw: &AugmentationDraw<'_>) -> AugmentedSample {
        let all = sample.asvs.len();
        let left_out = (self.share * all as f64).round() as usize;
        let kept = all.saturating_sub(left_out).max(1).min(all);
        let mut places = index::sample(&mut generator(draw.seed), all, kept).into_vec();
        places.sort_unstable();
        let kept = places.iter();
        let (asvs, reads) = kept
            .map(|place| (sample.asvs[*place], sample.reads[*place]))
            .unzip();
        AugmentedSample::new(asvs, reads, sample.targets)
    }
}

aam_api::register_augmentation!(AsvDropoutConfig);

#[cfg(test)]
mod tests {
    use aam_api::testing::KnownSamples;

    use super::*;
    use crate::augmentations::training;

    fn dropped(share: f64, pool: &KnownSamples, seed: u64) -> AugmentedSample {
        let dropout = AsvDropoutConfig { share }.init(&training()).unwrap();
        dropout.augment(pool.samples[0].clone(), &pool.draw(0, seed))
    }

    #[test]
    fn the_share_is_dropped_and_other_asvs_keep_their_reads() {
        let reads: Vec<f32> = (1..=20).map(|reads| reads as f32).collect();
        let pool = KnownSamples::of_one(&reads);
        let mut times = [0; 20];
        for seed in 0..300 {
            let after = dropped(0.25, &pool, seed);
            assert_eq!(after.asvs.len(), 15);
            assert!(after.asvs.is_sorted());
            for (asv, reads) in after.asvs.iter().zip(&after.reads) {
                assert_eq!(*reads, (asv / 2 + 1) as f32);
                times[*asv as usize / 2] += 1;
            }
            assert_eq!(after, dropped(0.25, &pool, seed));
        }
        // Each ASV stays in three of four draws: 225 times, with a standard deviation of 7.5.
        assert!(
            times.iter().all(|times| (180..270).contains(times)),
            "{times:?}"
        );
    }

    #[test]
    fn one_asv_is_always_kept() {
        for reads in [[4.0].as_slice(), &[1.0, 9.0]] {
            let pool = KnownSamples::of_one(reads);
            assert_eq!(dropped(0.99, &pool, 3).asvs.len(), 1);
        }
        let pool = KnownSamples::of_one(&[1.0, 9.0, 2.0]);
        assert_eq!(dropped(0.0, &pool, 3), pool.samples[0]);
        assert!(AsvDropoutConfig { share: 1.0 }.init(&training()).is_err());
    }
}
