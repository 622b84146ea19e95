//! Masked nucleotides: gradients and accuracy of their predictions.

use aam_api::metric::{Better, MetricInfo, Subject};
use aam_api::{AsvChunk, MaskedChunk};
use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::Device;
use rand_chacha::ChaCha8Rng;

use super::draws::AsvSeeds;
use super::masked_chunk;
use super::objective::metric;
use crate::parallel::Replica;
use aam_core::random::stream;
use aam_data::tokens::VOCABULARY;
use aam_data::{Ids, Split, TokenizedSequences};
use aam_evaluation::metrics::Metric;
use aam_model::batch::{AsvGroups, Batcher};
use aam_model::{Base, Compatibility, MaskingConfig};
use aam_run::RunError;

/// Maximum number of ASVs whose masked nucleotides are predicted in validation.
const MOST_VALIDATED: usize = 128;
/// Minimum number of ASVs that occur in no training sample for validation to use only those.
const ENOUGH_UNSEEN: usize = 16;

/// The metrics of the prediction of nucleotides.
pub(super) const METRICS: [&str; 2] = ["nucleotide_loss", "nucleotide_accuracy"];

aam_api::describe_metrics!(
    Subject::new("nucleotide", "nucleotides"),
    MetricInfo::new("majority", "most common base", Better::Neither),
    MetricInfo::new(
        "position_majority",
        "most common base of the position",
        Better::Neither
    ),
);

/// The task of predicting masked nucleotides.
pub struct Nucleotides<'a> {
    /// The names of the ASVs.
    pub(super) names: &'a Ids,
    /// The tokens of the ASVs.
    pub(super) sequences: &'a TokenizedSequences,
    masking: MaskingConfig,
    compatibility: Compatibility,
    /// Number of ASVs that are encoded at once.
    pub(super) chunk: usize,
    seed: u64,
    device: Device,
    train: Vec<usize>,
    validation: Vec<u32>,
    /// The most common token at each position of the training ASVs.
    commonest: Vec<u8>,
}

impl<'a> Nucleotides<'a> {
    /// Creates the task for the ASVs of a table; `device` has autodiff.
    pub fn new(
        batcher: &Batcher<'a>,
        split: &Split,
        masking: MaskingConfig,
        compatibility: Compatibility,
        seed: u64,
        device: Device,
    ) -> Self {
        let train = batcher.features(&split.train);
        let all = batcher.features(&split.validation);
        let unseen: Vec<u32> = all
            .iter()
            .copied()
            .filter(|feature| train.binary_search(feature).is_err())
            .collect();
        let validation = if unseen.len() < ENOUGH_UNSEEN {
            all
        } else {
            unseen
        };
        // Spread over the table, so that no clade is over-represented.
        let step = validation.len().div_ceil(MOST_VALIDATED).max(1);
        Self {
            commonest: commonest(batcher.sequences, &train),
            train: train.into_iter().map(|feature| feature as usize).collect(),
            validation: validation.into_iter().step_by(step).collect(),
            names: batcher.table.feature_ids(),
            sequences: batcher.sequences,
            masking,
            compatibility,
            chunk: batcher.chunk,
            seed,
            device,
        }
    }

    /// The columns of the ASVs that occur in training samples.
    pub fn training_asvs(&self) -> &[usize] {
        &self.train
    }

    /// Masks the tokens of `chunks`. Without any masks, nothing is learned, except with the
    /// reference implementation's behaviour.
    pub fn mask(&self, chunks: Vec<AsvChunk>, rng: &mut ChaCha8Rng) -> Vec<MaskedChunk> {
        if self.masking.ratio == 0.0 && self.compatibility.start_in_nucleotide_loss {
            return self.in_sight(chunks);
        }
        let mask = |original: AsvChunk| {
            let masked = self.masking.apply(&original.tokens, original.length, rng);
            MaskedChunk {
                masked: AsvChunk {
                    tokens: masked.tokens,
                    length: original.length,
                },
                mask: masked.mask,
                original,
            }
        };
        chunks.into_iter().map(mask).collect()
    }

    /// The chunks without masks, with every base to predict.
    fn in_sight(&self, chunks: Vec<AsvChunk>) -> Vec<MaskedChunk> {
        let start = self.compatibility.start_in_nucleotide_loss;
        let all = |original: AsvChunk| MaskedChunk {
            masked: original.clone(),
            mask: (0..original.tokens.len())
                .map(|place| start || place % original.length != 0)
                .collect(),
            original,
        };
        chunks.into_iter().map(all).collect()
    }

    /// Adds the gradients of `weight` times the loss at the masked positions, chunk by chunk, and
    /// returns the loss: the contribution of these chunks to the mean over `places`. `base` is the
    /// base of `model`, or `model` itself; `seeds` determine the dropout.
    ///
    /// # Errors
    /// An encoder that does not predict nucleotides.
    pub fn accumulate<M: Module>(
        &self,
        base: &Base,
        model: &M,
        chunks: &[MaskedChunk],
        (weight, places): (f64, f64),
        seeds: AsvSeeds,
        gradients: &mut GradientsAccumulator<M>,
    ) -> Result<f64, RunError> {
        let encoder = base.nucleotide_encoder(&self.device);
        let (weight, seed) = (weight / places, seeds.of(&encoder));
        let mut add = |found| gradients.accumulate(model, found);
        let sum = encoder.backward_masked(chunks, None, weight, seed, &mut add)?;
        Ok(sum / places)
    }

    /// The loss and accuracy at nucleotides with the same masks in every epoch, in ASVs that occur
    /// in no training sample (or in ASVs of the validation samples, if there are too few of those).
    /// For comparison, also the accuracy of always predicting the most common base, and the most
    /// common base of the training ASVs at the same position. `base` must be in inference mode.
    /// Each ASV is predicted on one replica.
    ///
    /// # Errors
    /// Another replica that failed.
    pub fn validate(&self, base: &Base, replica: Replica<'_>) -> Result<Vec<Metric>, RunError> {
        let groups = AsvGroups::new(self.validation.clone(), self.sequences, self.chunk);
        let mut rng = stream(self.seed, "masks of the validation samples");
        let chunks = groups.chunks(self.sequences);
        let chunks = match self.compatibility.unmasked_validation {
            true => self.in_sight(chunks),
            false => self.mask(chunks, &mut rng),
        };
        let mut tokens = [0usize; VOCABULARY];
        let mut right_by_position = 0usize;
        for chunk in &chunks {
            let masked = chunk.original.tokens.iter().zip(&chunk.mask).enumerate();
            for (place, (&token, _)) in masked.filter(|(_, (_, masked))| **masked) {
                tokens[usize::from(token)] += 1;
                let position = place % chunk.original.length;
                right_by_position += usize::from(self.commonest.get(position) == Some(&token));
            }
        }
        let own = masked_chunk::part(chunks, replica);
        let encoder = base.nucleotide_encoder(&self.device.clone().inner());
        let guesses = encoder.guess(&own)?;
        let sums = replica.sum(&[guesses.loss, guesses.right as f64])?;
        let (loss, right) = (sums[0], sums[1]);
        let all = tokens.iter().sum::<usize>().max(1) as f64;
        let commonest = tokens.iter().max().copied().unwrap_or(0) as f64;
        Ok(vec![
            metric("nucleotide_loss", loss / all),
            metric("nucleotide_accuracy", right / all),
            metric("nucleotide_majority", commonest / all),
            metric(
                "nucleotide_position_majority",
                right_by_position as f64 / all,
            ),
        ])
    }
}

/// The most common token at each position, including the start token.
fn commonest(sequences: &TokenizedSequences, features: &[u32]) -> Vec<u8> {
    let mut counts: Vec<[u32; VOCABULARY]> = Vec::new();
    let groups = AsvGroups::new(features.to_vec(), sequences, usize::MAX);
    for chunk in groups.chunks(sequences) {
        counts.resize(counts.len().max(chunk.length), [0; VOCABULARY]);
        for asv in chunk.rows() {
            for (count, &token) in counts.iter_mut().zip(asv) {
                count[usize::from(token)] += 1;
            }
        }
    }
    let most = |count: &[u32; VOCABULARY]| (0..VOCABULARY).max_by_key(|&token| count[token]);
    counts
        .iter()
        .map(|count| most(count).unwrap_or(0) as u8)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::encoding::Encoding;
    use super::super::optimizer::{norm, scale};
    use super::*;
    use aam_data::{AsvSampling, Table, TokenOptions};
    use aam_model::ModelConfig;

    /// The number of masked positions of two ASVs of four and six bases.
    fn places(ratio: f64, compatibility: Compatibility) -> usize {
        let masked = |_: &Nucleotides<'_>, chunks: Vec<MaskedChunk>| {
            chunks.iter().map(MaskedChunk::places).sum()
        };
        of_two_asvs(ratio, compatibility, masked)
    }

    /// Applies `work` to the masked tokens of these ASVs.
    fn of_two_asvs<T>(
        ratio: f64,
        compatibility: Compatibility,
        work: impl FnOnce(&Nucleotides<'_>, Vec<MaskedChunk>) -> T,
    ) -> T {
        let asvs = ["ACGT", "GGGGCC"];
        let ids = asvs.iter().map(|&asv| asv.to_owned()).collect();
        let reads = [(0, 0, 5), (0, 1, 1)];
        let table = Table::from_triplets(vec!["sample".to_owned()], ids, &reads).unwrap();
        let options = TokenOptions::default();
        let sequences = TokenizedSequences::new(asvs.iter().map(|&s| (s, s)), &options).unwrap();
        let batcher = Batcher {
            table: &table,
            sequences: &sequences,
            limit: 10,
            sampling: AsvSampling::First,
            chunk: 10,
        };
        let split = Split {
            train: vec![0],
            validation: vec![0],
        };
        let masking = MaskingConfig {
            ratio,
            ..MaskingConfig::default()
        };
        let device = Device::flex().autodiff();
        let task = Nucleotides::new(&batcher, &split, masking, compatibility, 1, device);
        let groups = batcher.groups(&[0]);
        let chunks = task.mask(groups.chunks(&sequences), &mut stream(1, "test"));
        work(&task, chunks)
    }

    /// With the CPU's own implementation and, if inner positions are masked, with that of other
    /// devices.
    #[test]
    fn predicting_in_the_pass_of_the_embeddings_gives_the_same_sums() {
        for ambiguous_is_padding in [false, true] {
            let compatibility = Compatibility {
                ambiguous_is_padding,
                ..Compatibility::default()
            };
            let config = ModelConfig {
                dim: 8,
                heads: 2,
                asv_layers: 2,
                dropout: 0.0,
                compatibility,
                ..ModelConfig::default().with_transformer()
            };
            of_two_asvs(0.5, compatibility, |task, masked| {
                let base = Base::init(&config, &task.device).unwrap();
                let encoder = base.embedding_encoder(&task.device);
                assert_eq!(encoder.has_own_way(), !ambiguous_is_padding);
                let chunks: Vec<AsvChunk> = masked.iter().map(|c| c.masked.clone()).collect();
                let seeds = AsvSeeds::of_one_replica(3);
                let encoding = Encoding::new(&base, &chunks, seeds, &task.device, Replica::ALONE);
                let encoding = encoding.unwrap();
                let asvs = encoding.embeddings.clone().inner();
                let gradient = asvs.clone().sin();

                let mut together = GradientsAccumulator::new();
                let guess = (masked.as_slice(), 0.25);
                let loss = encoding.replay_and_guess(&base, &gradient, guess, &mut together);
                let loss = loss.unwrap();
                let mut apart = GradientsAccumulator::new();
                encoding.replay(&base, &gradient, &mut apart);
                let weights = (0.25 * 4.0, 4.0);
                let mean = task.accumulate(&base, &base, &masked, weights, seeds, &mut apart);
                let mean = mean.unwrap();

                assert!((loss - 4.0 * mean).abs() < 1e-4 * loss, "{loss} {mean}");
                let apart = apart.grads();
                let length = norm(&base, &apart);
                together.accumulate(&base, scale(&base, apart, -1.0));
                let difference = norm(&base, &together.grads());
                assert!(
                    length > 0.1 && difference < 1e-4 * length,
                    "{difference} {length}"
                );
            });
        }
    }

    #[test]
    fn unmasked_bases_are_predicted_only_as_in_the_reference() {
        let masked = places(0.5, Compatibility::default());
        assert!(masked > 0 && masked < 10, "{masked} of 10 bases");
        assert_eq!(places(0.0, Compatibility::default()), 0);
        assert_eq!(places(0.0, Compatibility::reference()), 12);
    }

    #[test]
    fn the_most_common_base_of_each_position_is_known() {
        let asvs = ["ACG", "ACT", "GCT"];
        let options = TokenOptions::default();
        let sequences = TokenizedSequences::new(asvs.iter().map(|&s| (s, s)), &options).unwrap();
        let expected: Vec<u8> = vec![aam_data::tokens::START, 1, 2, 4];
        assert_eq!(commonest(&sequences, &[0, 1, 2]), expected);
    }
}
