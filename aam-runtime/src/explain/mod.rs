//! `aam explain`: attributes the predictions of a model to ASVs.

mod attention;
mod attention_files;
mod baseline;
mod bases;
mod changed;
mod clades;
mod costs;
mod dependence;
mod exchanges;
mod findings;
mod folder;
mod held_out;
mod importance;
mod inputs;
mod labels;
mod methods;
mod more_tables;
mod names;
mod others;
mod permutations;
mod phylogram;
mod relatives;
mod shown;
mod shuffled;
mod tables;
mod walks;
mod worst;

use std::path::Path;

use aam_core::text::{agreeing, counted};
use aam_data::{Conditions, Metadata, Storage};
use aam_evaluation::differential::differences;
use aam_report::chart::{Theme, svg_file};
use aam_report::page;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::write_whole;
use aam_run::settings;
use aam_study::required;
use aam_train::embedding_cache::EmbeddingCache;

use self::clades::{Clade, Clades, clades};
use self::costs::FEWEST;
use self::exchanges::Exchanges;
use self::findings::{Commonness, Explained, Findings, GroupFound};
use self::importance::{Totals, order};
use self::labels::Labels;
use self::methods::Methods;
use self::names::Names;
use self::relatives::Relatives;
use self::shown::{About, shown};
use self::walks::{Attributed, Walks};
use crate::given_reads::GivenReads;
use crate::loaded_predictor::{LoadedPredictor, ModelSource, PredictableSamples, needed_metadata};
use crate::options::ExplainOptions;

/// Explains the predictions of a model for the samples of a table.
///
/// # Errors
/// Files that cannot be read or written, a checkpoint that cannot be used, or conflicting settings.
pub fn explain(options: &ExplainOptions, observer: &mut dyn Observer) -> Result<(), RunError> {
    settings::check(options)?;
    let source = ModelSource::of(options.model.as_deref(), &options.device)?;
    let conditions = options.selection.read(options.metadata.as_deref())?;
    required(options.given.table.as_deref(), "table")?;
    let path = required(options.output_dir.as_deref(), "output-dir")?;
    folder::check(path, options.overwrite)?;
    let predictor = LoadedPredictor::read(&source, observer)?;
    let target = target(options, &predictor)?;
    if options.attention {
        attention::check(&predictor)?;
        if predictor.batches.is_some() {
            let problem = "the model centres the samples of each batch (--batch-column), and its attention cannot be shown; leave it out";
            return Err(RunError::setting("attention", problem));
        }
    }
    if !options.bases.is_empty() {
        attention::check_network(&predictor, "bases")?;
        if predictor.kinship.is_some() {
            let problem = "the model was trained on features without sequences, which have no bases; leave it out";
            return Err(RunError::setting("bases", problem));
        }
    }
    let given = options.metadata.as_deref();
    let metadata = needed_metadata(given, conditions.as_ref(), &predictor.parts, observer)?;
    let metadata = metadata.as_ref();
    let samples = samples(
        options,
        (metadata, conditions.as_ref()),
        &predictor,
        observer,
    )?;
    let explanation = Explanation {
        options,
        source: &source,
        predictor: &predictor,
        samples: &samples,
        target,
    };
    explanation.write(path, metadata, observer)
}

/// The index of the explained target.
fn target(options: &ExplainOptions, predictor: &LoadedPredictor) -> Result<usize, RunError> {
    let targets = &predictor.parts.targets;
    let Some(name) = &options.target else {
        return Ok(0);
    };
    let found = targets
        .iter()
        .position(|target| target.column == name.trim());
    found.ok_or_else(|| {
        let names: Vec<&str> = targets
            .iter()
            .map(|target| target.column.as_str())
            .collect();
        let problem = format!(
            "the model does not predict it; it predicts {}",
            names.join(", ")
        );
        RunError::value("target", name, problem)
    })
}

fn samples(
    options: &ExplainOptions,
    (metadata, conditions): (Option<&Metadata>, Option<&Conditions>),
    predictor: &LoadedPredictor,
    observer: &mut dyn Observer,
) -> Result<PredictableSamples, RunError> {
    let given = GivenReads {
        files: options.given.files(),
        storage: Storage::Memory,
        list: options.selection.samples.as_deref(),
        metadata,
        conditions,
    };
    PredictableSamples::read(&given, metadata, predictor, observer)
}

/// The inputs and settings of an explanation.
struct Explanation<'a> {
    options: &'a ExplainOptions,
    source: &'a ModelSource<'a>,
    predictor: &'a LoadedPredictor,
    samples: &'a PredictableSamples,
    target: usize,
}

impl Explanation<'_> {
    fn write(
        &self,
        path: &Path,
        metadata: Option<&Metadata>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let (options, table) = (self.options, &self.samples.table);
        let sequences = options.given.sequences.as_deref();
        let names = Names::read(table, sequences, options.taxonomy.as_deref(), observer)?;
        let relatives = Relatives::of(table, self.predictor.kinship.as_deref());
        // Done before any computation, so that an unsuitable file or id is reported at once.
        let clades = clades(table, &names, &relatives, options.tree.as_deref())?;
        let target = &self.predictor.parts.targets[self.target];
        let labels = Labels::read(target, metadata, table.sample_ids(), observer)?;
        bases::columns(&options.bases, &names, &[])?;
        let (predictor, samples) = (self.predictor, self.samples);
        let cache = EmbeddingCache::of(&options.embedding_cache, &predictor.asv_encoder);
        let methods = Methods::new(predictor, samples, self.target, (&cache, None), observer)?;
        let attributed = self.attribute(&methods, &relatives, observer)?;
        let totals = Totals::new(&attributed, table, options.seed);
        let single: Vec<Vec<u32>> = (0..table.num_features() as u32)
            .map(|asv| vec![asv])
            .collect();
        let importance = totals.importance(&single);
        let genera = names.genera().into_iter();
        let genera = genera.map(|(name, columns)| Clade { name, columns });
        let genera = GroupFound::all(genera.collect(), &totals);
        let Clades { all, tree } = clades;
        let clades = GroupFound::all(all, &totals);
        let order = order(&importance);
        let groups = permutations::groups(&names, &order, &genera, &clades);
        let Exchanges {
            shuffled,
            inputs,
            worst,
        } = self.exchange(
            (&methods, &relatives),
            labels.as_ref(),
            groups,
            metadata,
            observer,
        )?;
        let found = Findings {
            table,
            worst,
            explained: Explained {
                target: target.column.clone(),
                classes: target.values.classes().map(<[String]>::to_vec),
                of_classes: methods.classes().to_vec(),
                methods: methods.names(),
            },
            common: Commonness::of(table, labels.as_ref()),
            tests: labels.as_ref().map_or_else(Vec::new, |labels| {
                differences(table, &labels.rows, &labels.column)
            }),
            clades,
            tree,
            samples: &attributed,
            dependences: self.dependences(&methods, &order, &importance)?,
            inputs,
            attention: self.attention(&methods, &names, observer)?,
            bases: self.bases(&methods, &names, &order, observer)?,
            names,
            importance,
            order,
            labels,
            genera,
            shuffled,
        };
        self.write_files(&found, path, observer)
    }

    fn attribute(
        &self,
        methods: &Methods<'_>,
        relatives: &Relatives,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Attributed>, RunError> {
        let table = &self.samples.table;
        let walks = self.walks(methods, relatives, table.num_samples());
        let rows: Vec<usize> = (0..table.num_samples()).collect();
        let grouped = walks.grouped(&rows);
        if grouped > 0 {
            observer.observe(&Event::Note(&format!(
                "{grouped} of {} {} from the baseline in more than {}, so closest relatives are added together there: increase --evaluations to resolve single ASVs",
                counted(rows.len(), "sample"),
                agreeing(grouped, "differs", "differ"),
                counted(walks.most_groups(rows.len()), "ASV")
            )))?;
        }
        walks.attribute(&rows, |done| {
            observer.observe(&Event::Progress {
                what: "explaining samples",
                done,
                total: rows.len(),
            })
        })
    }

    /// Walks to so many of the samples, with their share of the evaluations.
    fn walks<'a>(
        &'a self,
        methods: &'a Methods<'a>,
        relatives: &'a Relatives,
        samples: usize,
    ) -> Walks<'a> {
        let (options, table) = (self.options, &self.samples.table);
        let all = table.num_samples().max(1) as u64;
        Walks {
            methods,
            table,
            baseline: baseline::reads(table, options.baseline),
            relatives,
            orders: options.orders,
            evaluations: options.evaluations * samples as u64 / all,
            seed: options.seed,
        }
    }

    fn write_files(
        &self,
        found: &Findings<'_>,
        path: &Path,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let mut ids = found.table.sample_ids().iter();
        let is_seen = ids.any(|id| self.predictor.seen.contains(id));
        let shuffled = found.shuffled.as_ref();
        let mut warnings = Vec::new();
        if is_seen && shuffled.is_some_and(|shuffled| !shuffled.costs.held_out) {
            warnings.push(format!(
                "fewer than {FEWEST} samples can be predicted by a model that did not see them, so the model's own training samples are shuffled, and the costs are overestimated"
            ));
        }
        for warning in &warnings {
            observer.observe(&Event::Warning(warning))?;
        }
        let table = self.options.given.table.as_deref().unwrap_or(Path::new(""));
        let shown = shown(
            found,
            &About {
                table: table.display().to_string(),
                baseline: self.options.baseline,
                repeats: self.options.repeats,
                warnings: &warnings,
            },
        )?;
        folder::clear(path)?;
        tables::write(found, path)?;
        others::write(found, path)?;
        more_tables::inputs(found, &found.inputs, path)?;
        if let Some(attention) = &found.attention {
            let ids = found.table.sample_ids();
            attention_files::write(attention, &shown.attention, ids, path)?;
        }
        if !found.bases.is_empty() {
            more_tables::bases(found, &found.bases, &shown.bases, path)?;
        }
        let [bars, swarm, genera, inputs] = folder::PICTURES;
        write_whole(
            &path.join(inputs),
            &svg_file(&shown.input_bars(), &Theme::LIGHT),
        )?;
        write_whole(&path.join(bars), &svg_file(&shown.bars(), &Theme::LIGHT))?;
        write_whole(&path.join(swarm), &svg_file(&shown.swarm(), &Theme::LIGHT))?;
        if !shown.genera.is_empty() {
            let picture = svg_file(&shown.genus_bars(), &Theme::LIGHT);
            write_whole(&path.join(genera), &picture)?;
        }
        if let Some(tree) = &shown.tree {
            let picture = svg_file(tree, &Theme::LIGHT);
            write_whole(&path.join(folder::TREE), &picture)?;
        }
        for (name, dependence) in folder::CURVES.iter().zip(&shown.dependences) {
            let picture = svg_file(&dependence.chart(), &Theme::LIGHT);
            write_whole(&path.join(name), &picture)?;
        }
        // Written last, because it marks the output as complete.
        write_whole(&path.join(folder::PAGE), &page::explanation(&shown))?;
        observer.observe(&Event::Saved(path))
    }
}
