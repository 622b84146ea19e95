//! Augmentation: the random changes of training samples that a run names, applied to its batches.
//!
//! Every change is a function of the seed, the number of the batch and the sample (or ASV), so that a
//! resumed run makes the same changes, on any number of ranks and threads.

use std::borrow::Cow;

use aam_api::{
    AsvChunk, AugmentationContext, AugmentationDraw, AugmentationKind, AugmentedSample,
    BoxedAugmentation, Kind, PluginError, Registry, Resolved, SamplePool,
};
use burn::tensor::Device;
use rand::RngExt;

use super::draws::Draws;
use super::training_batches::TrainingBatch;
use aam_data::Table;
use aam_model::batch::AsvGroups;
use aam_run::RunError;
use aam_run::named_components::ComponentList;

/// The setting that names augmentations.
const SETTING: &str = AugmentationKind::NAME;

/// The augmentations that a run names, with their options, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedAugmentations(Vec<Resolved>);

impl NamedAugmentations {
    /// Parses `named`: linked augmentations, as in `rarefaction:depth=1000`.
    ///
    /// # Errors
    /// An augmentation that is not linked or is named twice, or an unknown option.
    pub fn read(named: &[String]) -> Result<Self, RunError> {
        let list = ComponentList {
            setting: SETTING,
            what: SETTING,
            others: &[],
            of_items: &[],
        };
        let mut all: Vec<Resolved> = Vec::with_capacity(named.len());
        for text in named.iter().map(|text| text.trim()) {
            let resolved = list.resolved::<AugmentationKind>(text)?;
            if all.iter().any(|other| other.name == resolved.name) {
                return Err(RunError::value(SETTING, text, "it is named twice"));
            }
            all.push(resolved);
        }
        Ok(Self(all))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Them with all their options, as checkpoints record them.
    pub fn resolved(&self) -> &[Resolved] {
        &self.0
    }

    /// Builds them for a run.
    ///
    /// # Errors
    /// Options out of range, or a run in which one of them makes no sense.
    pub fn build(
        &self,
        context: &AugmentationContext,
    ) -> Result<Vec<(String, BoxedAugmentation)>, RunError> {
        let registry = Registry::<AugmentationKind>::load()?;
        let refused = |error: PluginError| RunError::setting(SETTING, error.to_string());
        let built = self.0.iter().map(|resolved| {
            let built = registry.build(resolved, context, &Device::default());
            Ok((resolved.name.clone(), built.map_err(refused)?))
        });
        built.collect()
    }
}

/// Augmentations with the samples that they change.
#[derive(Debug)]
pub struct Augmenting<'a> {
    /// Names and augmentations, in order.
    augmentations: Vec<(String, BoxedAugmentation)>,
    table: &'a Table,
    /// Targets on the scale of training, or indices of classes, `[samples of the table, targets]`.
    targets: Vec<f64>,
    /// For each target, whether it is a class.
    classes: Vec<bool>,
}

impl<'a> Augmenting<'a> {
    /// Applies `augmentations` to samples of `table`, whose targets on the scale of training are
    /// `targets`, `[samples of the table, targets]`; `classes` says which of them are classes. `None`
    /// without augmentations.
    pub fn new(
        augmentations: Vec<(String, BoxedAugmentation)>,
        table: &'a Table,
        targets: Vec<f64>,
        classes: Vec<bool>,
    ) -> Option<Self> {
        (!augmentations.is_empty()).then_some(Self {
            augmentations,
            table,
            targets,
            classes,
        })
    }

    /// The samples of a batch after one change.
    ///
    /// # Errors
    /// An augmentation that leaves something that is not a sample.
    pub fn of_batch(
        &self,
        batch: &TrainingBatch,
        draws: Draws,
    ) -> Result<Vec<AugmentedSample>, RunError> {
        let seed = |purpose: &str| draws.stream(purpose).random();
        self.samples(&batch.rows, &batch.pool, &seed)
    }

    /// The samples at `rows` after one change, in which only those at the rows `pool` have a part.
    /// `seed` gives the seed for each purpose.
    ///
    /// # Errors
    /// An augmentation that leaves something that is not a sample.
    pub fn samples(
        &self,
        rows: &[usize],
        pool: &[usize],
        seed: &dyn Fn(&str) -> u64,
    ) -> Result<Vec<AugmentedSample>, RunError> {
        let pool = Pool {
            all: self,
            rows: pool,
        };
        let changed = rows.iter().enumerate().map(|(place, &row)| {
            let before = self.sample(row);
            let own = pool.rows.iter().position(|other| *other == row);
            match own {
                Some(own) if !before.asvs.is_empty() => {
                    self.changed(before, (place, row), (&pool, own), seed)
                }
                _ => Ok(before),
            }
        });
        changed.collect()
    }

    /// The `sample` at place `place` of a batch and at the row `row` of the table, after all changes.
    fn changed(
        &self,
        mut sample: AugmentedSample,
        (place, row): (usize, usize),
        (pool, own): (&Pool<'_>, usize),
        seed: &dyn Fn(&str) -> u64,
    ) -> Result<AugmentedSample, RunError> {
        let id = &self.table.sample_ids()[row];
        for (name, augmentation) in &self.augmentations {
            // A batch may have a sample more than once.
            let seed = seed(&format!("augmentation {name} of {id} at {place}"));
            sample = augmentation.augment(sample, &AugmentationDraw::new(pool, own, seed));
            if !self.is_sample(&sample, row) {
                let component = format!("{SETTING} '{name}'");
                let what = format!(
                    "change the sample '{id}': what it returns has no ASVs, or reads or targets \
                     that do not match; leave it out"
                );
                return Err(PluginError::cannot(component, what).into());
            }
        }
        Ok(sample)
    }

    /// Whether `sample` has ASVs of the table with reads, and targets that the sample at `row` can
    /// have.
    fn is_sample(&self, sample: &AugmentedSample, row: usize) -> bool {
        let features = self.table.num_features();
        let positive = |reads: &f32| reads.is_finite() && *reads > 0.0;
        let own = self.targets_of(row).iter().zip(&self.classes);
        let fits = |(target, (own, is_class)): (&f64, (&f64, &bool))| !is_class || target == own;
        !sample.asvs.is_empty()
            && sample.asvs.len() == sample.reads.len()
            && sample.asvs.iter().all(|asv| (*asv as usize) < features)
            && sample.reads.iter().all(positive)
            && sample.targets.len() == self.classes.len()
            && sample.targets.iter().zip(own).all(fits)
    }

    /// The tokens of the ASVs in `groups` after one change of their sequences, from `chunks`.
    pub fn sequences<'c>(
        &self,
        chunks: &'c [AsvChunk],
        groups: &AsvGroups,
        draws: Draws,
    ) -> Cow<'c, [AsvChunk]> {
        let changing = self.augmentations.iter();
        let changing = changing.filter(|(_, augmentation)| augmentation.changes_sequences());
        let changing: Vec<_> = changing.collect();
        if changing.is_empty() {
            return Cow::Borrowed(chunks);
        }
        let mut chunks = chunks.to_vec();
        let asvs = chunks.iter_mut().flat_map(|chunk| {
            let length = chunk.length;
            chunk.tokens.chunks_exact_mut(length)
        });
        for (tokens, asv) in asvs.zip(groups.features()) {
            for (name, augmentation) in &changing {
                let purpose = format!("augmentation {name} of ASV {asv}");
                augmentation.mutate(tokens, draws.stream(&purpose).random());
            }
        }
        Cow::Owned(chunks)
    }

    /// The sample at `row` as it is.
    fn sample(&self, row: usize) -> AugmentedSample {
        let (asvs, counts) = self.table.row(row);
        let reads = counts.iter().map(|count| *count as f32).collect();
        AugmentedSample::new(asvs.to_vec(), reads, self.targets_of(row).to_vec())
    }

    fn targets_of(&self, row: usize) -> &[f64] {
        let number = self.classes.len();
        &self.targets[row * number..(row + 1) * number]
    }
}

/// The samples of a table at some rows.
#[derive(Debug)]
struct Pool<'p> {
    all: &'p Augmenting<'p>,
    rows: &'p [usize],
}

impl SamplePool for Pool<'_> {
    fn samples(&self) -> usize {
        self.rows.len()
    }

    fn sample(&self, number: usize) -> AugmentedSample {
        self.all.sample(self.rows[number])
    }

    fn targets(&self, number: usize) -> &[f64] {
        self.all.targets_of(self.rows[number])
    }

    fn are_classes(&self) -> &[bool] {
        &self.all.classes
    }
}

#[cfg(test)]
mod tests;
