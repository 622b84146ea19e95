//! Batches: the distinct ASVs of some samples, and their counts in each sample.

use std::ops::Range;

use aam_api::{AsvChunk, AugmentedSample, SampleAsvs};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;

use crate::ModelInput;
use aam_data::tokens::START;
use aam_data::{AsvSampling, Table, TokenizedSequences, choose_asvs};

// The tokens known to encoders are those of tokenised sequences.
const _: () = {
    use aam_api::tokens as told;
    use aam_data::tokens as made;
    assert!(told::PAD == made::PAD && told::START == made::START && told::MASK == made::MASK);
    assert!(told::FIRST_BASE == made::FIRST_BASE && told::LAST_BASE == made::LAST_BASE);
    assert!(told::AMBIGUOUS == made::AMBIGUOUS && told::VOCABULARY == made::VOCABULARY);
};

/// Distinct ASVs of equal length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsvGroup {
    /// The columns of the table.
    pub features: Vec<u32>,
    /// The number of tokens per ASV including the start token, i.e. bases + 1.
    pub length: usize,
}

/// ASVs grouped by length, so that their encoder needs neither padding nor a mask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsvGroups(pub Vec<AsvGroup>);

impl AsvGroups {
    /// Groups the distinct `features`, with at most `most` ASVs per group.
    pub fn new(mut features: Vec<u32>, sequences: &TokenizedSequences, most: usize) -> Self {
        let length = |feature: &u32| sequences.bases(*feature as usize) + 1;
        features.sort_by_key(|feature| (length(feature), *feature));
        let groups = features
            .chunk_by(|a, b| length(a) == length(b))
            .flat_map(|same| same.chunks(most.max(1)))
            .map(|chunk| AsvGroup {
                features: chunk.to_vec(),
                length: length(&chunk[0]),
            })
            .collect();
        Self(groups)
    }

    /// The tokens of each group.
    pub fn chunks(&self, sequences: &TokenizedSequences) -> Vec<AsvChunk> {
        let chunk = |group: &AsvGroup| group.chunk(sequences);
        self.0.iter().map(chunk).collect()
    }

    /// All ASVs, group by group.
    pub fn features(&self) -> impl Iterator<Item = u32> + '_ {
        self.0
            .iter()
            .flat_map(|group| group.features.iter().copied())
    }
}

impl AsvGroup {
    /// The tokens of the ASVs.
    fn chunk(&self, sequences: &TokenizedSequences) -> AsvChunk {
        let mut tokens = Vec::with_capacity(self.features.len() * self.length);
        for &feature in &self.features {
            tokens.push(START);
            tokens.extend(sequences.get(feature as usize));
        }
        AsvChunk {
            tokens,
            length: self.length,
        }
    }
}

/// A batch of samples and their ASVs, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The rows of the table.
    pub rows: Vec<usize>,
    /// The distinct ASVs; `index` refers to their positions.
    pub groups: AsvGroups,
    /// The number of ASVs of the richest sample, which is the width of the following.
    pub width: usize,
    /// The positions of each sample's ASVs, `[samples, width]`; 0 at padding.
    pub index: Vec<i32>,
    /// Whether an entry holds an ASV, `[samples, width]`.
    pub mask: Vec<bool>,
    /// The reads, `[samples, width]`; 0 at padding.
    pub counts: Vec<f32>,
}

/// Creates batches from a study.
#[derive(Clone, Copy, Debug)]
pub struct Batcher<'a> {
    /// The reads.
    pub table: &'a Table,
    /// The sequence of each column of the table.
    pub sequences: &'a TokenizedSequences,
    /// The maximum number of ASVs per sample.
    pub limit: usize,
    /// Which ASVs to use if a sample has more.
    pub sampling: AsvSampling,
    /// The maximum number of ASVs encoded at once.
    pub chunk: usize,
}

impl Batcher<'_> {
    /// The ids of the samples at `rows`.
    pub fn names(&self, rows: &[usize]) -> Vec<String> {
        let ids = self.table.sample_ids();
        rows.iter().map(|&row| ids[row].clone()).collect()
    }

    /// The columns of the ASVs in the samples at `rows`, in order.
    pub fn features(&self, rows: &[usize]) -> Vec<u32> {
        let asvs = || rows.iter().flat_map(|&row| self.table.row(row).0);
        // Uses a list of all entries of the samples, or a flag per column, whichever is smaller.
        let held: usize = rows.iter().map(|&row| self.table.row(row).0.len()).sum();
        if held * size_of::<u32>() <= self.table.num_features() {
            let mut features: Vec<u32> = asvs().copied().collect();
            features.sort_unstable();
            features.dedup();
            return features;
        }
        let mut seen = vec![false; self.table.num_features()];
        for &feature in asvs() {
            seen[feature as usize] = true;
        }
        let seen = seen.into_iter().enumerate().filter(|(_, seen)| *seen);
        seen.map(|(feature, _)| feature as u32).collect()
    }

    /// The ASVs of the samples at `rows`, in groups.
    pub fn groups(&self, rows: &[usize]) -> AsvGroups {
        AsvGroups::new(self.features(rows), self.sequences, self.chunk)
    }

    /// The batch of the samples at `rows`.
    pub fn batch(&self, rows: &[usize], rng: &mut ChaCha8Rng) -> Batch {
        let chosen = rows.iter().map(|&row| {
            let (features, counts) = self.table.row(row);
            let places = choose_asvs(counts, self.limit, self.sampling, rng).into_iter();
            places.map(|i| (features[i], counts[i] as f32)).collect()
        });
        let chosen: Vec<Vec<(u32, f32)>> = chosen.collect();
        self.of_asvs(rows, &chosen)
    }

    /// The batch of the samples at `rows` after changes: with these ASVs and their reads instead of
    /// those of the table.
    pub fn changed_batch(
        &self,
        rows: &[usize],
        samples: &[AugmentedSample],
        rng: &mut ChaCha8Rng,
    ) -> Batch {
        let chosen = samples.iter().map(|sample| {
            let (asvs, reads) = (&sample.asvs, &sample.reads);
            let places = choose_asvs(reads, self.limit, self.sampling, rng).into_iter();
            places.map(|i| (asvs[i], reads[i])).collect()
        });
        let chosen: Vec<Vec<(u32, f32)>> = chosen.collect();
        self.of_asvs(rows, &chosen)
    }

    /// The batch of the samples at `rows`, which have the ASVs `chosen`, with their reads.
    fn of_asvs(&self, rows: &[usize], chosen: &[Vec<(u32, f32)>]) -> Batch {
        let mut distinct: Vec<u32> = chosen
            .iter()
            .flatten()
            .map(|(feature, _)| *feature)
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        let groups = AsvGroups::new(distinct, self.sequences, self.chunk);
        let mut numbers: Vec<(u32, i32)> = groups.features().zip(0..).collect();
        numbers.sort_unstable();
        let number = |feature: u32| {
            let place = numbers.partition_point(|(other, _)| *other < feature);
            numbers[place].1
        };
        let width = chosen.iter().map(Vec::len).max().unwrap_or(0);
        let places = rows.len() * width;
        let mut batch = Batch {
            rows: rows.to_vec(),
            groups,
            width,
            index: vec![0; places],
            mask: vec![false; places],
            counts: vec![0.0; places],
        };
        for (sample, asvs) in chosen.iter().enumerate() {
            for (slot, &(feature, count)) in asvs.iter().enumerate() {
                let place = sample * width + slot;
                batch.index[place] = number(feature);
                batch.mask[place] = true;
                batch.counts[place] = count;
            }
        }
        batch
    }
}

impl Batch {
    /// The samples at `rows` without their ASVs, if their view is already known.
    pub fn of_rows(rows: &[usize]) -> Self {
        Self {
            rows: rows.to_vec(),
            groups: AsvGroups::default(),
            width: 0,
            index: Vec::new(),
            mask: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// A batch of the samples in the given range, with the same ASVs and the same width.
    pub fn part(&self, samples: Range<usize>) -> Self {
        let places = samples.start * self.width..samples.end * self.width;
        Self {
            rows: self.rows[samples].to_vec(),
            groups: self.groups.clone(),
            width: self.width,
            index: self.index[places.clone()].to_vec(),
            mask: self.mask[places.clone()].to_vec(),
            counts: self.counts[places].to_vec(),
        }
    }

    /// Moves the batch to a device. `categories`, `[samples, columns]`, holds category ids.
    ///
    /// With `tokens`, the ASVs' tokens are included; otherwise, the caller has their embeddings.
    pub fn input(
        &self,
        tokens: Option<&TokenizedSequences>,
        categories: Option<Tensor<2, Int>>,
        device: &Device,
    ) -> ModelInput {
        let shape = [self.rows.len(), self.width];
        let groups = tokens.map_or_else(Vec::new, |sequences| {
            let chunks = self.groups.chunks(sequences);
            chunks.iter().map(|chunk| chunk.tensor(device)).collect()
        });
        ModelInput {
            groups,
            samples: SampleAsvs {
                index: Tensor::from_data(TensorData::new(self.index.clone(), shape), device),
                mask: Tensor::from_data(TensorData::new(self.mask.clone(), shape), device),
                counts: Tensor::from_data(TensorData::new(self.counts.clone(), shape), device),
            },
            categories,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aam_core::random::stream;
    use aam_data::TokenOptions;

    #[test]
    fn every_asv_occurs_once_and_every_read_is_in_place() {
        let asvs = ["ACGT", "AC", "GGGG", "TT"];
        let table = Table::from_triplets(
            vec!["a".into(), "b".into()],
            asvs.iter().map(|&s| s.into()).collect(),
            &[(0, 0, 5), (0, 2, 1), (0, 3, 7), (1, 0, 2)],
        )
        .unwrap();
        let sequences =
            TokenizedSequences::new(asvs.iter().map(|&s| (s, s)), &TokenOptions::default())
                .unwrap();
        let batcher = Batcher {
            table: &table,
            sequences: &sequences,
            limit: 10,
            sampling: AsvSampling::First,
            chunk: 10,
        };
        let batch = batcher.batch(&[1, 0], &mut stream(0, "test"));
        assert_eq!(batch.groups.features().collect::<Vec<_>>(), [3, 0, 2]);
        assert_eq!(
            batch.groups.0[1].chunk(&sequences).tokens,
            [5, 1, 2, 3, 4, 5, 3, 3, 3, 3]
        );
        assert_eq!(batch.width, 3);
        assert_eq!(batch.index, [1, 0, 0, 1, 2, 0]);
        assert_eq!(batch.mask, [true, false, false, true, true, true]);
        assert_eq!(batch.counts, [2.0, 0.0, 0.0, 5.0, 1.0, 7.0]);
    }

    #[test]
    fn changed_samples_take_the_place_of_those_of_the_table() {
        let asvs = ["ACGT", "AC", "GGGG"];
        let table = Table::from_triplets(
            vec!["a".into(), "b".into()],
            asvs.iter().map(|&s| s.into()).collect(),
            &[(0, 0, 5), (0, 2, 1), (1, 1, 2)],
        )
        .unwrap();
        let sequences =
            TokenizedSequences::new(asvs.iter().map(|&s| (s, s)), &TokenOptions::default())
                .unwrap();
        let batcher = Batcher {
            table: &table,
            sequences: &sequences,
            limit: 2,
            sampling: AsvSampling::Abundance,
            chunk: 10,
        };
        let changed = [
            AugmentedSample::new(vec![0, 1, 2], vec![0.5, 2.5, 4.0], Vec::new()),
            AugmentedSample::new(vec![2], vec![3.0], Vec::new()),
        ];
        let batch = batcher.changed_batch(&[0, 1], &changed, &mut stream(0, "test"));
        assert_eq!(batch.rows, [0, 1]);
        assert_eq!(batch.groups.features().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(batch.index, [1, 0, 1, 0]);
        assert_eq!(batch.mask, [true, true, true, false]);
        assert_eq!(batch.counts, [4.0, 2.5, 3.0, 0.0]);
        let as_they_are = [0, 1].map(|row| {
            let (asvs, counts) = table.row(row);
            let reads = counts.iter().map(|count| *count as f32).collect();
            AugmentedSample::new(asvs.to_vec(), reads, Vec::new())
        });
        assert_eq!(
            batcher.changed_batch(&[0, 1], &as_they_are, &mut stream(0, "test")),
            batcher.batch(&[0, 1], &mut stream(0, "test"))
        );
    }
}
