//! Profiles of samples that do not change: computed once instead of in every update.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::encoding::Embeddings;
use super::inference::prediction_batches;
use aam_api::{SampleView, ViewShape};
use aam_data::AsvSampling;
use aam_model::Base;
use aam_model::batch::Batcher;
use aam_study::batches::{self, Batches, Offsets};

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

    /// The mean of the profiles of the samples at `rows`, which must have one, `[width]`.
    pub fn usual(&self, rows: &[usize]) -> Vec<f32> {
        let (values, width) = self.on_host();
        let place = |row: &usize| self.places[*row] as usize * width;
        batches::usual(
            rows.iter()
                .map(place)
                .map(|start| &values[start..start + width]),
            width,
        )
    }

    /// How each of the `batches` differs from the `usual` profile.
    pub fn offsets(&self, batches: &Batches, usual: &[f32]) -> Offsets {
        let (values, width) = self.on_host();
        let rows = self.places.iter().enumerate();
        let rows =
            rows.filter_map(|(row, &place)| Some((row, usize::try_from(place).ok()? * width)));
        let values = rows.map(|(row, start)| (row, &values[start..start + width]));
        batches.offsets(values, usual)
    }

    /// The profiles without the differences of their batches.
    #[must_use]
    pub fn without(self, offsets: &Offsets) -> Self {
        let (mut values, width) = self.on_host();
        for (row, &place) in self.places.iter().enumerate() {
            if let Ok(place) = usize::try_from(place) {
                let own = &mut values[place * width..(place + 1) * width];
                for (value, difference) in own.iter_mut().zip(offsets.at(row)) {
                    *value -= difference;
                }
            }
        }
        let data = TensorData::new(values, self.values.dims());
        Self {
            values: Tensor::from_data(data, &self.values.device()),
            places: self.places,
        }
    }

    /// The values, row by row, and their width.
    fn on_host(&self) -> (Vec<f32>, usize) {
        let [_, width] = self.values.dims();
        let values = self.values.clone().into_data();
        (values.iter::<f32>().collect(), width)
    }

    /// The profiles of the samples at `rows`, which must have one, `[rows, width]`.
    pub fn select(&self, rows: &[usize]) -> Tensor<2> {
        let places: Vec<i32> = rows.iter().map(|&row| self.places[row]).collect();
        let places = TensorData::new(places, [rows.len()]);
        let places = Tensor::<1, Int>::from_data(places, &self.values.device());
        self.values.clone().select(0, places)
    }
}
