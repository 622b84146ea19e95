//! Which bases of an ASV the network reads: each is replaced by the three other bases (occlusion:
//! Zeiler & Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014), and the
//! predictions for samples that contain the ASV are compared.

use aam_api::{AsvChunk, SampleAsvs};
use aam_core::random::stream;
use aam_data::Table;
use aam_data::tokens::{AMBIGUOUS, FIRST_BASE, LAST_BASE, START};
use aam_evaluation::results::HeldOut;
use aam_model::batch::Batch;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use burn::tensor::{Tensor, TensorData};
use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::changed::ChangedSamples;
use super::costs::reads;
use super::methods::{BATCH, Methods, batcher, of_input};
use super::names::Names;
use crate::loaded_predictor::{CHUNK, LoadedPredictor};

/// Maximum number of samples to average over.
const MOST_SAMPLES: usize = 40;
/// The number of other bases, each of which replaces a base.
const OTHERS: usize = 3;
/// The letters of the bases, and of an ambiguous one.
const LETTERS: [char; 5] = ['A', 'C', 'G', 'T', 'N'];

/// The effect of the bases of an ASV.
#[derive(Clone, Debug)]
pub struct BasesFound {
    /// The column of the ASV.
    pub column: u32,
    /// The number of samples that were predicted.
    pub samples: usize,
    /// The bases, one window after the other.
    pub windows: Vec<Window>,
}

/// Neighbouring bases that are replaced together.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The position of the first base, counted from 1.
    pub position: usize,
    /// The bases.
    pub bases: String,
    /// Mean change of the network's prediction if they are replaced, by output.
    pub effects: Vec<f64>,
    /// Mean absolute change, by output.
    pub sizes: Vec<f64>,
}

/// The columns of the ASVs named by `given`: ids, or a number of the first in `order`.
///
/// # Errors
/// An id that no ASV has, or 0.
pub fn columns(given: &[String], names: &Names, order: &[usize]) -> Result<Vec<u32>, RunError> {
    let mut columns: Vec<u32> = Vec::new();
    for text in given.iter().map(|text| text.trim()) {
        let by_id = names.ids.iter().position(|id| id == text);
        match (by_id, text.parse::<usize>()) {
            (Some(column), _) => columns.push(column as u32),
            (None, Ok(number)) if number > 0 => {
                columns.extend(order.iter().take(number).map(|&column| column as u32));
            }
            (None, Ok(_)) => return Err(RunError::value("bases", text, "expected at least 1")),
            (None, Err(_)) => {
                let example = names.ids.first().map_or("", String::as_str);
                let problem = format!(
                    "no ASV of the samples has this id; ids are those of your files, such as '{}', or give a number for the most important ASVs",
                    aam_data::shorten(example)
                );
                return Err(RunError::value("bases", text, problem));
            }
        }
    }
    let mut known = std::collections::HashSet::new();
    columns.retain(|column| known.insert(*column));
    Ok(columns)
}

/// The effect of every `window` bases of the ASV in `column`.
///
/// # Errors
/// Those of the observer, or a prediction that is not finite.
pub fn bases(
    methods: &Methods<'_>,
    column: u32,
    window: usize,
    observer: &mut dyn Observer,
) -> Result<BasesFound, RunError> {
    let (predictor, samples, _) = methods.network_parts();
    let table = &samples.table;
    let mut changed = ChangedSamples::default();
    for row in with_asv(table, column) {
        changed.push(row, reads(table, row));
    }
    let own: Vec<u8> = samples.sequences.get(column as usize).collect();
    let starts: Vec<usize> = (0..own.len()).step_by(window.max(1)).collect();
    let variants: Vec<Vec<u8>> = starts
        .iter()
        .flat_map(|&start| (1..=OTHERS).map(move |shift| (start, shift)))
        .map(|(start, shift)| replaced(&own, start..start + window.max(1), shift))
        .collect();
    let network = Network::new(methods, &changed, column)?;
    let known = network.predict(None)?.index_axis_move(Axis(0), 0);
    let mut windows: Vec<Window> = starts
        .iter()
        .map(|&start| Window {
            position: start + 1,
            bases: (start..(start + window.max(1)).min(own.len()))
                .map(|place| letter(own[place]))
                .collect(),
            effects: vec![0.0; methods.outputs()],
            sizes: vec![0.0; methods.outputs()],
        })
        .collect();
    let together = OTHERS * (BATCH / (OTHERS * changed.len().max(1))).max(1);
    for (part, variants) in variants.chunks(together).enumerate() {
        let predicted = network.predict(Some(encoded(predictor, variants)))?;
        for (place, predicted) in predicted.outer_iter().enumerate() {
            windows[(part * together + place) / OTHERS].add(&known, &predicted);
        }
        observer.observe(&Event::Progress {
            what: "replacing bases",
            done: (part * together + variants.len()) / OTHERS,
            total: starts.len(),
        })?;
    }
    Ok(BasesFound {
        column,
        samples: changed.len(),
        windows,
    })
}

/// The embeddings of sequences of equal length, `[sequences, dim]`.
fn encoded(predictor: &LoadedPredictor, sequences: &[Vec<u8>]) -> Tensor<2> {
    let base = &predictor.model.predictor.base;
    let encoder = base.embedding_encoder(&predictor.device);
    let chunks = sequences.chunks(CHUNK).map(|sequences| {
        let tokens = sequences
            .iter()
            .flat_map(|sequence| std::iter::once(START).chain(sequence.iter().copied()));
        let chunk = AsvChunk {
            tokens: tokens.collect(),
            length: sequences[0].len() + 1,
        };
        encoder.embed(&[chunk], 0)
    });
    Tensor::cat(chunks.collect(), 0)
}

impl Window {
    /// Adds the change of the predictions, `[samples, outputs]`, by one replacement.
    fn add(&mut self, known: &Array2<f64>, changed: &ArrayView2<'_, f64>) {
        let (samples, _) = known.dim();
        let all = (samples.max(1) * OTHERS) as f64;
        for ((_, output), difference) in (changed - known).indexed_iter() {
            self.effects[output] += difference / all;
            self.sizes[output] += difference.abs() / all;
        }
    }
}

/// Samples that contain the ASV in `column`, at equal distances in the table if there are many.
fn with_asv(table: &Table, column: u32) -> Vec<usize> {
    let rows = (0..table.num_samples()).filter(|&row| table.row(row).0.contains(&column));
    let rows: Vec<usize> = rows.collect();
    let number = rows.len().min(MOST_SAMPLES);
    let chosen = (0..number).map(|place| rows[place * rows.len() / number]);
    chosen.collect()
}

/// The tokens `own` with those at `places` replaced by the base `shift` places further in A, C, G,
/// T. An ambiguous base is replaced by one of the four.
fn replaced(own: &[u8], places: std::ops::Range<usize>, shift: usize) -> Vec<u8> {
    let bases = LAST_BASE - FIRST_BASE + 1;
    let mut replaced = own.to_vec();
    let end = places.end.min(own.len());
    for base in &mut replaced[places.start..end] {
        let place = match *base {
            AMBIGUOUS => 0,
            base => base.saturating_sub(FIRST_BASE),
        };
        *base = FIRST_BASE + (place + shift as u8) % bases;
    }
    replaced
}

fn letter(token: u8) -> char {
    let place = usize::from(token.saturating_sub(FIRST_BASE));
    match token {
        FIRST_BASE..=LAST_BASE => LETTERS[place],
        _ => LETTERS[4],
    }
}

/// The network, applied to samples in which variants take the place of one of their ASVs.
struct Network<'a> {
    methods: &'a Methods<'a>,
    samples: &'a ChangedSamples,
    batch: Batch,
    /// The embeddings of the ASVs of the batch, `[distinct, dim]`.
    asvs: Tensor<2>,
    /// The row of the ASV among these. `None` if the model draws ASVs and none of the samples has this one.
    own: Option<usize>,
}

impl<'a> Network<'a> {
    /// For the ASV in `column` of these samples, which fit in a batch.
    fn new(
        methods: &'a Methods<'a>,
        samples: &'a ChangedSamples,
        column: u32,
    ) -> Result<Self, RunError> {
        let (predictor, given, embeddings) = methods.network_parts();
        let table = samples.table(&given.table)?;
        let rows: Vec<usize> = (0..table.num_samples()).collect();
        let batcher = batcher(predictor, given, &table);
        let mut draws = stream(predictor.policy.seed, "ASVs of samples with other bases");
        let batch = batcher.batch(&rows, &mut draws);
        let own = batch.groups.features().position(|asv| asv == column);
        Ok(Self {
            asvs: embeddings.select(&batch.groups),
            methods,
            samples,
            batch,
            own,
        })
    }

    /// The predictions with each of `variants`, `[variants, dim]`, in place of the ASV, or with the ASV itself:
    /// `[variants, samples, outputs]`.
    fn predict(&self, variants: Option<Tensor<2>>) -> Result<Array3<f64>, RunError> {
        let (predictor, ..) = self.methods.network_parts();
        let (device, inputs) = (&predictor.device, self.methods.inputs());
        let number = variants.as_ref().map_or(1, |variants| variants.dims()[0]);
        let origins = self.samples.origins().repeat(number);
        let categories = inputs.categories.tensor(&origins, device);
        let mut input = self.batch.input(None, categories, device);
        let [samples, _] = input.samples.index.dims();
        let mut asvs = self.asvs.clone();
        let SampleAsvs {
            index,
            mask,
            counts,
        } = input.samples;
        let mut index = index.repeat_dim(0, number);
        if let (Some(variants), Some(own)) = (variants, self.own) {
            let [first, _] = asvs.dims();
            let shifts = (0..number).flat_map(|variant| {
                let shift = (first + variant - own) as i32;
                std::iter::repeat_n(shift, samples)
            });
            let shifts = TensorData::new(shifts.collect::<Vec<i32>>(), [number * samples, 1]);
            let is_own = index.clone().equal_elem(own as i32).int();
            index = index + is_own * Tensor::from_data(shifts, device);
            asvs = Tensor::cat(vec![asvs, variants], 0);
        }
        input.samples = SampleAsvs {
            index,
            mask: mask.repeat_dim(0, number),
            counts: counts.repeat_dim(0, number),
        };
        let view = predictor.model.predictor.base.view(asvs, &input.samples);
        let found = of_input(&predictor.model, inputs, (view, &input), &origins);
        let found = found.into_iter().enumerate();
        let found = found.map(|(row, predictions)| HeldOut { row, predictions });
        let found: Vec<HeldOut> = found.collect();
        let values = self.methods.values(&[&found], &origins)?;
        let shape = (number, samples, self.methods.outputs());
        let values = values.index_axis_move(Axis(0), 0).into_iter().collect();
        Ok(Array3::from_shape_vec(shape, values).unwrap_or_else(|_| Array3::zeros(shape)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn a_base_is_replaced_by_the_three_others() {
        let own = [1, 2, 4, AMBIGUOUS];
        let of = |place: usize| -> Vec<u8> {
            let all = (1..=OTHERS).map(|shift| replaced(&own, place..place + 1, shift)[place]);
            all.collect()
        };
        assert_eq!(of(0), [2, 3, 4]);
        assert_eq!(of(2), [1, 2, 3]);
        assert_eq!(of(3), [2, 3, 4]);
        assert_eq!(replaced(&own, 2..9, 1), [1, 2, 1, 2]);
        assert_eq!(own.map(letter), ['A', 'C', 'T', 'N']);
    }

    #[test]
    fn effects_are_means_over_samples_and_replacements() {
        let mut window = Window {
            position: 1,
            bases: "A".to_owned(),
            effects: vec![0.0],
            sizes: vec![0.0],
        };
        let known = arr2(&[[1.0], [2.0]]);
        for change in [3.0, -3.0, 6.0] {
            window.add(&known, &(&known + change).view());
        }
        assert_eq!((window.effects[0], window.sizes[0]), (2.0, 4.0));
    }
}
