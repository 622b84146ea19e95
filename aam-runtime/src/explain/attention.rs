//! The attention weights of the network: what each sample attends to, as far as a component of the
//! model publishes it.

use std::collections::HashMap;

use aam_api::{
    AttentionKeys, AttentionQueries, FusionKind, HeadKind, Kind, Observation, PluginError,
    Registry, SampleEncoderKind, ViewShape,
};
use aam_model::batch::Batch;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_train::inference::prediction_batches;

use super::methods::{BATCH, Methods, batcher};
use super::names::Names;
use crate::loaded_predictor::LoadedPredictor;

/// Number of samples whose weights are computed together; there may be many for each.
const TOGETHER: usize = 64;
/// The smallest sum of weights at padding that is reported.
const LEAST_PADDING: f32 = 1e-6;

/// The attention weights of some samples.
#[derive(Default)]
pub struct AttentionFound {
    /// The parts of the model that attend.
    pub parts: Vec<String>,
    /// What they attend to.
    pub keys: Vec<Key>,
    /// The weights, by sample, part and head.
    pub weights: Vec<Weight>,
}

/// What is attended to.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its name: the id of an ASV, or `column=level`.
    pub name: String,
    /// The row of a heat map to which it belongs: an ASV, or a column.
    pub line: String,
}

/// The weight that a head gives to a key in a sample: the mean over the queries of the head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// The row of the sample in the table.
    pub sample: usize,
    /// The index of the part.
    pub part: usize,
    /// The head, counted from 0.
    pub head: usize,
    /// The index of the key.
    pub key: usize,
    /// The weight.
    pub weight: f32,
}

/// The identity of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum KeyOf {
    Asv(u32),
    Level(usize, i32),
    Levels(Vec<i32>),
    Profile,
    Nothing,
    Padding,
}

/// Checks that the network of `predictor` publishes attention weights and is used.
///
/// # Errors
/// It does not.
pub fn check(predictor: &LoadedPredictor) -> Result<(), RunError> {
    check_network(predictor, "attention")?;
    let model = &predictor.model.predictor;
    let parts = &predictor.parts;
    let of_encoder = model.base.view_shape() != ViewShape::Asvs
        && publishes::<SampleEncoderKind>(&predictor.sample_encoder.name)?;
    let published = model.pools_by_attention()
        || of_encoder
        || publishes::<FusionKind>(&parts.fusion.name)?
        || publishes::<HeadKind>(&parts.head.name)?;
    if published {
        return Ok(());
    }
    Err(RunError::setting(
        "attention",
        "the model has no attention weights; models trained with --pooling attention, --fusion cross-attention or --fusion perceiver have them (`aam plugins describe` says of a component whether it publishes attention)",
    ))
}

/// Checks that the network is among the members of `predictor`, for the flag `flag`.
///
/// # Errors
/// It is not.
pub fn check_network(predictor: &LoadedPredictor, flag: &str) -> Result<(), RunError> {
    let members = predictor.members.as_ref();
    if members.is_none_or(|members| members.has_network()) {
        return Ok(());
    }
    Err(RunError::setting(
        flag,
        "this concerns the network, which is not a member of the model; train with --members network, or with further members",
    ))
}

fn publishes<K: Kind>(name: &str) -> Result<bool, PluginError> {
    Ok(Registry::<K>::load()?.find(name)?.publishes_attention)
}

/// The attention weights for all samples.
///
/// # Errors
/// Those of the observer, or weights that do not have the shape that their component declares.
pub fn attention(
    methods: &Methods<'_>,
    names: &Names,
    observer: &mut dyn Observer,
) -> Result<AttentionFound, RunError> {
    let (predictor, samples, embeddings) = methods.network_parts();
    let (table, device) = (&samples.table, &predictor.device);
    let batcher = batcher(predictor, samples, table);
    let rows: Vec<usize> = (0..table.num_samples()).collect();
    let mut collector = Collector {
        predictor,
        names,
        found: AttentionFound::default(),
        places: HashMap::new(),
    };
    let mut done = 0;
    // The batches of predictions, in which the same ASVs are drawn.
    for whole in prediction_batches(&batcher, &rows, BATCH, predictor.policy.seed, 0) {
        let asvs = embeddings.select(&whole.groups);
        let features: Vec<u32> = whole.groups.features().collect();
        for first in (0..whole.rows.len()).step_by(TOGETHER) {
            let batch = whole.part(first..whole.rows.len().min(first + TOGETHER));
            let categories = samples.categories.tensor(&batch.rows, device);
            let input = batch.input(None, categories, device);
            let seen = predictor.model.predictor.attention(asvs.clone(), &input);
            let ids: Vec<&[i32]> = batch
                .rows
                .iter()
                .map(|&row| samples.categories.of_sample(row))
                .collect();
            for seen in &seen {
                collector.add(seen, &batch, &features, &ids)?;
            }
            done += batch.rows.len();
            observer.observe(&Event::Progress {
                what: "reading attention",
                done,
                total: rows.len(),
            })?;
        }
    }
    let mut found = collector.found;
    let place = |of: &Weight| (of.sample, of.part, of.head);
    found.weights.sort_by_key(place);
    Ok(found)
}

/// Collects weights batch by batch.
struct Collector<'a> {
    predictor: &'a LoadedPredictor,
    names: &'a Names,
    found: AttentionFound,
    places: HashMap<KeyOf, usize>,
}

impl Collector<'_> {
    /// Adds the weights `seen` in a batch, whose distinct ASVs are the columns `features` of the
    /// table, and whose samples have the category ids `ids`.
    fn add(
        &mut self,
        seen: &Observation,
        batch: &Batch,
        features: &[u32],
        ids: &[&[i32]],
    ) -> Result<(), RunError> {
        let Some(attention) = &seen.attention else {
            return Ok(());
        };
        let part = self.part(seen);
        let [samples, heads, queries, keys] = seen.values.dims();
        let columns = self.predictor.parts.categories.columns.len();
        let of_asvs = attention.queries == AttentionQueries::Asvs;
        let expected = attention.num_keys(batch.width, columns);
        if samples != batch.rows.len() || keys != expected || (of_asvs && queries != batch.width) {
            return Err(RunError::Usage(format!(
                "the attention weights of {} have the shape {:?}, which is not the one that it declares for {} samples, {} ASVs and {columns} categorical columns; this is an error of that component",
                self.found.parts[part],
                seen.values.dims(),
                batch.rows.len(),
                batch.width,
            )));
        }
        let values: Vec<f32> = seen.values.clone().into_data().iter().collect();
        for (sample, (&row, ids)) in batch.rows.iter().zip(ids).enumerate() {
            let slots = sample * batch.width..(sample + 1) * batch.width;
            let mask = &batch.mask[slots.clone()];
            let index = &batch.index[slots];
            let asv = |slot: usize| mask[slot].then(|| features[index[slot] as usize]);
            let keys_of = keys_of(&attention.keys, batch.width, ids, asv);
            for head in 0..heads {
                let first = (sample * heads + head) * queries * keys;
                let of_head = &values[first..first + queries * keys];
                let attends = |query: usize| !of_asvs || mask[query];
                let means = means(of_head, keys, attends);
                self.add_head((row, part, head), &keys_of, &means);
            }
        }
        Ok(())
    }

    /// Adds the mean weights of a head.
    fn add_head(
        &mut self,
        (sample, part, head): (usize, usize, usize),
        keys: &[KeyOf],
        means: &[f32],
    ) {
        let mut padding = 0.0;
        for (key, &weight) in keys.iter().zip(means) {
            if *key == KeyOf::Padding {
                padding += weight;
                continue;
            }
            let key = self.key(key);
            self.found.weights.push(Weight {
                sample,
                part,
                head,
                key,
                weight,
            });
        }
        if padding > LEAST_PADDING {
            let key = self.key(&KeyOf::Padding);
            self.found.weights.push(Weight {
                sample,
                part,
                head,
                key,
                weight: padding,
            });
        }
    }

    /// The index of the part of the model that `seen` comes from.
    fn part(&mut self, seen: &Observation) -> usize {
        let parts = &self.predictor.parts;
        let component = match seen.part {
            Some(FusionKind::NAME) => Some(&parts.fusion.name),
            Some(HeadKind::NAME) => Some(&parts.head.name),
            Some(SampleEncoderKind::NAME) => Some(&self.predictor.sample_encoder.name),
            _ => None,
        };
        let mut name = seen.part.unwrap_or("model").to_owned();
        let component = component.map(String::as_str);
        let own = Some(seen.name).filter(|name| *name != "attention");
        for word in component.into_iter().chain(own) {
            name.push(' ');
            name.push_str(word);
        }
        let all = &mut self.found.parts;
        all.iter()
            .position(|known| *known == name)
            .unwrap_or_else(|| {
                all.push(name);
                all.len() - 1
            })
    }

    /// The index of a key.
    fn key(&mut self, key: &KeyOf) -> usize {
        if let Some(&place) = self.places.get(key) {
            return place;
        }
        let place = self.found.keys.len();
        let (name, line) = self.words(key);
        self.found.keys.push(Key { name, line });
        self.places.insert(key.clone(), place);
        place
    }

    /// The name of a key, and the row of a heat map to which it belongs.
    fn words(&self, key: &KeyOf) -> (String, String) {
        let columns = &self.predictor.parts.categories.columns;
        let level = |column: usize, id: i32| {
            let of = &columns[column];
            format!("{}={}", of.column, of.level(id))
        };
        let same = |name: &str| (name.to_owned(), name.to_owned());
        match key {
            KeyOf::Asv(column) => {
                let column = *column as usize;
                (self.names.ids[column].clone(), self.names.label(column))
            }
            KeyOf::Level(column, id) => (level(*column, *id), columns[*column].column.clone()),
            KeyOf::Levels(ids) => {
                let ids = ids.iter().enumerate();
                let all: Vec<String> = ids.map(|(column, &id)| level(column, id)).collect();
                (all.join("; "), "all categories".to_owned())
            }
            KeyOf::Profile => same("(profile)"),
            KeyOf::Nothing => same("(no category)"),
            KeyOf::Padding => same("(padding)"),
        }
    }
}

/// The keys of a sample with the category ids `ids`, in a batch of `width` slots, of which `asv`
/// gives the ASV.
fn keys_of(
    stretches: &[AttentionKeys],
    width: usize,
    ids: &[i32],
    asv: impl Fn(usize) -> Option<u32>,
) -> Vec<KeyOf> {
    let mut keys = Vec::new();
    for stretch in stretches {
        match stretch {
            AttentionKeys::Asvs => {
                let slots = (0..width).map(|slot| asv(slot).map_or(KeyOf::Padding, KeyOf::Asv));
                keys.extend(slots);
            }
            AttentionKeys::EachColumn => {
                let columns = ids.iter().enumerate();
                keys.extend(columns.map(|(column, &id)| KeyOf::Level(column, id)));
            }
            AttentionKeys::AllColumns => keys.push(KeyOf::Levels(ids.to_vec())),
            AttentionKeys::Profile => keys.push(KeyOf::Profile),
            // Other keys of a single place have no name yet.
            _ => keys.push(KeyOf::Nothing),
        }
    }
    keys
}

/// The means of `weights`, `[queries, keys]`, over the queries for which `attends` holds.
fn means(weights: &[f32], keys: usize, attends: impl Fn(usize) -> bool) -> Vec<f32> {
    let mut sums = vec![0f64; keys];
    let mut number = 0f64;
    for (query, weights) in weights.chunks_exact(keys.max(1)).enumerate() {
        if attends(query) {
            number += 1.0;
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum += f64::from(weight);
            }
        }
    }
    let means = sums.iter().map(|sum| (sum / number.max(1.0)) as f32);
    means.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_leave_out_queries_that_are_padding() {
        let weights = [0.5, 0.5, 0.25, 0.75, 1.0, 0.0];
        assert_eq!(means(&weights, 2, |query| query < 2), [0.375, 0.625]);
        assert_eq!(means(&weights, 2, |_| true).iter().sum::<f32>(), 1.0);
    }

    #[test]
    fn keys_follow_the_stretches_that_a_component_declares() {
        let asv = |slot: usize| [Some(7), Some(2), None][slot];
        let stretches = [AttentionKeys::Asvs, AttentionKeys::AllColumns];
        assert_eq!(
            keys_of(&stretches, 3, &[1, 0], asv),
            [
                KeyOf::Asv(7),
                KeyOf::Asv(2),
                KeyOf::Padding,
                KeyOf::Levels(vec![1, 0])
            ]
        );
        let stretches = [AttentionKeys::EachColumn, AttentionKeys::Nothing];
        assert_eq!(
            keys_of(&stretches, 3, &[1, 0], asv),
            [KeyOf::Level(0, 1), KeyOf::Level(1, 0), KeyOf::Nothing]
        );
    }
}
