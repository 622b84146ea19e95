//! Profiles of samples that do not change: computed once instead of in every update.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::encoding::Embeddings;
use super::inference::prediction_batches;
use aam_api::{SampleView, ViewShape};
use aam_data::AsvSampling;
use aam_model::Base;
use aam_model::batch::Batcher;

/// Number of samples whose profiles are computed at once.
const BATCH: usize = 256;
/// Maximum number of stored values: half a gigabyte.
const MOST: usize = 1 << 27;

/// The profiles of some samples of a table, by a frozen base.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// The profiles, `[samples, width]`, without autodiff.
    values: Tensor<2>,
    /// The index of each row of the table, if it has a profile.
    places: Vec<i32>,
}

impl Profiles {
    /// Computes the profiles of the samples at `rows` from the `embeddings` of their ASVs. `None`
    /// if the base has no profiles, or if they vary between calls. `base` is in inference mode.
    pub fn new(
        base: &Base,
        batcher: &Batcher<'_>,
        embeddings: &Embeddings,
        rows: &[usize],
        device: &Device,
    ) -> Option<Self> {
        let ViewShape::Profiles { width } = base.view_shape() else {
            return None;
        };
        let asvs = |row: &usize| batcher.table.row(*row).0.len();
        let draws =
            batcher.sampling == AsvSampling::Random && rows.iter().any(|r| asvs(r) > batcher.limit);
        if draws || rows.is_empty() || rows.len() * width > MOST {
            return None;
        }
        let batches = prediction_batches(batcher, rows, BATCH, 0, 0);
        let profiles = batches.map(|batch| {
            let input = batch.input(None, None, device);
            match base.view(embeddings.select(&batch.groups), &input.samples) {
                SampleView::Profiles(profiles) => Some(profiles),
                SampleView::Asvs(_) => None,
            }
        });
        let values = Tensor::cat(profiles.collect::<Option<Vec<_>>>()?, 0);
        let mut places = vec![-1; batcher.table.num_samples()];
        for (place, &row) in rows.iter().enumerate() {
            places[row] = place as i32;
        }
        Some(Self { values, places })
    }

    /// The profiles of the samples at `rows`, which must have one, `[rows, width]`.
    pub fn select(&self, rows: &[usize]) -> Tensor<2> {
        let places: Vec<i32> = rows.iter().map(|&row| self.places[row]).collect();
        let places = TensorData::new(places, [rows.len()]);
        let places = Tensor::<1, Int>::from_data(places, &self.values.device());
        self.values.clone().select(0, places)
    }
}
