//! Which model predicts which samples when their reads or other inputs are changed to see what that costs:
//! samples that the explained model was trained on are predicted by models of folds that did not see them,
//! where a run has these.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aam_data::{Metadata, Table};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_train::checkpoint::Manifest;
use aam_train::checkpoint::directory;
use aam_train::checkpoint::manifest::{PredictorManifest, target_columns};
use aam_train::embedding_cache::EmbeddingCache;

use super::Explanation;
use super::costs::FEWEST;
use super::methods::Methods;
use crate::loaded_predictor::{LoadedPredictor, ModelSource, PredictableSamples};
use crate::members::with_held_out_samples;

/// A model and the samples that it predicts.
#[derive(Clone, Debug)]
struct Part {
    /// The checkpoint of the model. `None` for the explained model itself.
    model: Option<PathBuf>,
    /// The samples, as ascending rows of the table.
    rows: Vec<usize>,
}

/// The models that predict the samples with a value.
#[derive(Clone, Debug)]
pub struct Division {
    parts: Vec<Part>,
    /// Whether all models predict only samples that they did not see.
    pub held_out: bool,
}

impl Division {
    /// Divides the samples of `table` at `rows` among the models of the run of the explained model, which is
    /// `predictor` from the checkpoint of `source`. If no models that did not see them are there, the explained
    /// model predicts all.
    ///
    /// # Errors
    /// A checkpoint of a fold that is damaged.
    pub fn new(
        source: &ModelSource<'_>,
        predictor: &LoadedPredictor,
        table: &Table,
        rows: &[usize],
    ) -> Result<Self, RunError> {
        let ids = table.sample_ids();
        let seen = |row: &&usize| predictor.seen.contains(&ids[**row]);
        let mut open: Vec<usize> = rows.iter().filter(seen).copied().collect();
        let mut of_explained: Vec<usize> = rows.iter().filter(|row| !seen(row)).copied().collect();
        let mut parts = Vec::new();
        for path in with_held_out_samples(&source.checkpoint) {
            if open.is_empty() {
                break;
            }
            let manifest = directory::manifest(&path)?;
            if !fits(&manifest, predictor) {
                continue;
            }
            let held_out = manifest.validation_samples.iter().map(String::as_str);
            let held_out: BTreeSet<&str> = held_out.collect();
            let (own, others) = open
                .into_iter()
                .partition::<Vec<usize>, _>(|&row| held_out.contains(ids[row].as_str()));
            open = others;
            match path == source.checkpoint {
                true => of_explained.extend(own),
                false => parts.push(Part {
                    model: Some(path),
                    rows: own,
                }),
            }
        }
        of_explained.sort_unstable();
        parts.push(Part {
            model: None,
            rows: of_explained,
        });
        parts.retain(|part| !part.rows.is_empty());
        let known: usize = parts.iter().map(|part| part.rows.len()).sum();
        let all = Part {
            model: None,
            rows: rows.to_vec(),
        };
        Ok(match known >= FEWEST {
            true => Self {
                parts,
                held_out: true,
            },
            false => Self {
                parts: vec![all],
                held_out: false,
            },
        })
    }

    /// The samples that are predicted, ascending.
    pub fn rows(&self) -> Vec<usize> {
        let rows = self.parts.iter().flat_map(|part| &part.rows);
        let mut rows: Vec<usize> = rows.copied().collect();
        rows.sort_unstable();
        rows
    }

    /// The number of models.
    pub fn models(&self) -> usize {
        self.parts.len()
    }

    /// The number of models other than the explained one.
    pub fn folds(&self) -> usize {
        self.parts
            .iter()
            .filter(|part| part.model.is_some())
            .count()
    }
}

/// Whether the model of a fold predicts the same targets as `predictor`, from samples prepared in the same way.
fn fits(manifest: &Manifest, predictor: &LoadedPredictor) -> bool {
    let own = target_columns(&predictor.parts.targets);
    let parts = manifest.predictor.as_ref();
    let same = parts.is_some_and(|parts| target_columns(&parts.targets) == own);
    same && manifest.data == predictor.policy
}

/// The methods of a model, and its manifest.
type Model<'a> = (&'a Methods<'a>, &'a PredictorManifest);

impl Explanation<'_> {
    /// Calls `with` with each model of `division` and the samples that it predicts. `methods` are those of
    /// the explained model.
    ///
    /// # Errors
    /// A checkpoint that cannot be read, or those of `with`.
    pub(super) fn with_models(
        &self,
        division: &Division,
        methods: &Methods<'_>,
        metadata: Option<&Metadata>,
        observer: &mut dyn Observer,
        mut with: impl FnMut(Model<'_>, &[usize], &mut dyn Observer) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        for part in &division.parts {
            let Some(path) = &part.model else {
                with((methods, &self.predictor.parts), &part.rows, observer)?;
                continue;
            };
            let source = ModelSource {
                checkpoint: path.clone(),
                is_as_named: true,
                ..ModelSource::of(Some(path), &self.options.device)?
            };
            // Everything about the model and the samples was reported for the explained model.
            let nobody: &mut dyn Observer = &mut |_: &Event<'_>| {};
            let predictor = LoadedPredictor::read(&source, nobody)?;
            let samples: PredictableSamples =
                self.samples.for_predictor(metadata, &predictor, nobody)?;
            let cache = EmbeddingCache::of(&self.options.embedding_cache, &predictor.asv_encoder);
            let place = (&cache, Some(methods));
            let of_fold = Methods::new(&predictor, &samples, self.target, place, observer)?;
            with((&of_fold, &predictor.parts), &part.rows, observer)?;
        }
        Ok(())
    }
}
