//! Reads that are drawn again.

use aam_api::{
    Augmentation, AugmentationConfig, AugmentationContext, AugmentationDraw, AugmentationKind,
    AugmentedSample, Kind, PluginError,
};
use rand::RngExt;
use rand::seq::index;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generator;

/// The share of a sample's reads that is drawn if neither a depth nor a share is given.
const SHARE: f64 = 0.8;

/// Subsamples the reads of a sample without replacement: to `depth` reads, or to a `share` of its
/// own.
///
/// What a sequencer reports of a sample is a draw, too, so rare ASVs are present in one draw and
/// absent in another. A sample with fewer reads than `depth` is used whole. Fractions of reads, which
/// mixing leaves, are first made whole reads at random, with the fraction as the probability of one
/// more. ASVs without a read are left out.
///
/// Not to be confused with `--rarefy-depth`, which draws once, before everything else.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RarefactionConfig {
    /// Number of reads to draw.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub depth: Option<u32>,
    /// Share of a sample's own reads to draw, instead of a depth. 0.8 if neither is given.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub share: Option<f64>,
}

/// The augmentation that [`RarefactionConfig`] builds.
#[derive(Clone, Copy, Debug)]
pub enum Rarefaction {
    /// Draws so many reads.
    Depth(u32),
    /// Draws a share of a sample's reads.
    Share(f64),
}

impl AugmentationConfig for RarefactionConfig {
    const NAME: &'static str = "rarefaction";
    type Augmentation = Rarefaction;

    fn init(&self, _: &AugmentationContext) -> Result<Rarefaction, PluginError> {
        let refused = |option: &str, expected: &str, found: f64| {
            let (kind, name) = (AugmentationKind::NAME, Self::NAME);
            Err(PluginError::bad_option(kind, name, option, expected, found))
        };
        match (self.depth, self.share) {
            (Some(_), Some(share)) => refused("share", "none, because a depth is given", share),
            (Some(0), None) => refused("depth", "at least 1", 0.0),
            (Some(depth), None) => Ok(Rarefaction::Depth(depth)),
            (None, Some(share)) if !(share > 0.0 && share <= 1.0) => {
                refused("share", "a number above 0 and at most 1", share)
            }
            (None, share) => Ok(Rarefaction::Share(share.unwrap_or(SHARE))),
        }
    }
}

impl Rarefaction {
    /// Number of reads to draw of `reads`; at least 1.
    fn depth(self, reads: usize) -> usize {
        match self {
            Self::Depth(depth) => depth as usize,
            Self::Share(share) => (share * reads as f64).round().max(1.0) as usize,
        }
    }
}

impl Augmentation for Rarefaction {
    fn augment(&self, sample: AugmentedSample, draw: &AugmentationDraw<'_>) -> AugmentedSample {
        let mut rng = generator(draw.seed);
        let whole = sample.reads.iter().map(|reads| {
            let more = reads.fract() > 0.0 && rng.random::<f32>() < reads.fract();
            reads.trunc() as usize + usize::from(more)
        });
        let whole: Vec<usize> = whole.collect();
        let all = whole.iter().sum();
        // A sample of fractions may have no whole read.
        if all == 0 {
            return sample;
        }
        let kept = match self.depth(all) {
            depth if depth < all => {
                let mut drawn = index::sample(&mut rng, all, depth).into_vec();
                drawn.sort_unstable();
                numbers(&whole, &drawn)
            }
            _ => whole,
        };
        let kept = sample.asvs.iter().zip(kept).filter(|(_, reads)| *reads > 0);
        let (asvs, reads) = kept.map(|(asv, reads)| (*asv, reads as f32)).unzip();
        AugmentedSample::new(asvs, reads, sample.targets)
    }
}

/// How many of the reads at the places `drawn`, in ascending order, belong to each ASV, of which the
/// first has the first `whole[0]` places, and so on.
fn numbers(whole: &[usize], drawn: &[usize]) -> Vec<usize> {
    let (mut before, mut end) = (0, 0);
    let number = |reads: &usize| {
        end += reads;
        let up_to = drawn.partition_point(|place| *place < end);
        up_to - std::mem::replace(&mut before, up_to)
    };
    whole.iter().map(number).collect()
}

aam_api::register_augmentation!(RarefactionConfig);

#[cfg(test)]
mod tests {
    use aam_api::testing::KnownSamples;

    use super::*;
    use crate::augmentations::training;

    fn built(depth: Option<u32>, share: Option<f64>) -> Result<Rarefaction, PluginError> {
        RarefactionConfig { depth, share }.init(&training())
    }

    #[test]
    fn exactly_the_depth_is_drawn_from_existing_reads() {
        let pool = KnownSamples::of_one(&[50.0, 1.0, 30.0, 400.0]);
        let before = pool.samples[0].clone();
        let rarefaction = built(Some(60), None).unwrap();
        for seed in 0..40 {
            let after = rarefaction.augment(before.clone(), &pool.draw(0, seed));
            assert_eq!(after.depth(), 60.0);
            for (asv, reads) in after.asvs.iter().zip(&after.reads) {
                let own = before.asvs.iter().position(|other| other == asv).unwrap();
                assert!(*reads >= 1.0 && *reads <= before.reads[own] && reads.fract() == 0.0);
            }
            let again = rarefaction.augment(before.clone(), &pool.draw(0, seed));
            assert_eq!(after, again);
        }
        let of = |seed| rarefaction.augment(before.clone(), &pool.draw(0, seed));
        assert!((1..40).any(|seed| of(seed) != of(0)));
    }

    #[test]
    fn reads_are_drawn_in_proportion() {
        let pool = KnownSamples::of_one(&[10.0, 30.0, 60.0]);
        let rarefaction = built(None, Some(0.5)).unwrap();
        let mut sums = [0.0; 3];
        for seed in 0..400 {
            let after = rarefaction.augment(pool.samples[0].clone(), &pool.draw(0, seed));
            assert_eq!(after.depth(), 50.0);
            for (asv, reads) in after.asvs.iter().zip(&after.reads) {
                sums[*asv as usize / 2] += f64::from(*reads) / 400.0;
            }
        }
        // Each mean is half the reads, with a standard error below 0.13.
        for (sum, expected) in sums.iter().zip([5.0, 15.0, 30.0]) {
            assert!((sum - expected).abs() < 0.6, "{sums:?}");
        }
    }

    #[test]
    fn small_samples_are_kept_whole_and_fractions_become_whole_reads() {
        let pool = KnownSamples::of_one(&[3.0, 2.0]);
        let whole = built(Some(5), None).unwrap();
        let sample = pool.samples[0].clone();
        assert_eq!(whole.augment(sample.clone(), &pool.draw(0, 1)), sample);
        let fractions = KnownSamples::of_one(&[2.25, 0.5, 7.25]);
        let mut seen = 0.0;
        for seed in 0..400 {
            let after = whole.augment(fractions.samples[0].clone(), &fractions.draw(0, seed));
            assert!(after.reads.iter().all(|reads| reads.fract() == 0.0));
            assert_eq!(after.depth(), 5.0);
            seen += f64::from(u8::from(after.asvs.contains(&2)));
        }
        // The second ASV has a read in half of the cases, which is drawn in about half of those.
        assert!((60.0..140.0).contains(&seen), "{seen}");
        let least = KnownSamples::of_one(&[0.25]);
        let after = whole.augment(least.samples[0].clone(), &least.draw(0, 3));
        assert!(after.asvs == [0] && after.reads[0] > 0.0);
    }

    #[test]
    fn a_depth_and_a_share_contradict_each_other() {
        let error = built(Some(5), Some(0.5)).unwrap_err().to_string();
        assert!(error.contains("option 'share': expected none"), "{error}");
        assert!(built(Some(0), None).is_err());
        assert!(built(None, Some(0.0)).is_err() && built(None, Some(1.5)).is_err());
        assert_eq!(built(None, None).unwrap().depth(1000), 800);
        assert_eq!(built(None, Some(0.001)).unwrap().depth(10), 1);
    }
}
