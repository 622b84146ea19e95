//! `aam train`: from files to a predictor.

use std::sync::atomic::AtomicBool;

use aam_api::{FusionKind, HeadKind, Registry};

use super::adaptation::{adapted, freezes};
use super::assembly::{assembled, check_settings, fitted, predictor_config, target_manifests};
use super::base_task::BaseTask;
use super::finetuning::Finetuning;
use super::finetuning_study::{class_labels, read_study, warn_of_unseen_classes};
use super::fingerprint::Asked;
use super::inference::FineTuned;
use super::nucleotides::Nucleotides;
use super::output;
use super::passes::useful_passes;
use super::plan::Plan;
use super::rates::BaseRates;
use super::resume::{Resumed, announce, is_done, settings, stopped};
use super::sample_weights::Weighting;
use super::sampling::{self, Sampling};
use super::saving::Saving;
use super::session::{
    batcher, check, chosen, config_text, drawn, ids_of, manifest, model_config, policy, pretrained,
    seeded, settle_attention, settle_precision,
};
use super::state::Done;
use super::target_losses::TargetLosses;
use super::target_scales::{self, Scaling, TargetScales};
use super::trainer::Trainer;
use crate::categories::{CategoryIds, CategoryVocabulary};
use crate::checkpoint::manifest::PredictorManifest;
use crate::compare::cross_validate;
use crate::error::RunError;
use crate::evaluation::division::Division;
use crate::evaluation::forest::Forest;
use crate::evaluation::report::{Other, RANDOM_FOREST, Reported, TRIVIAL};
use crate::evaluation::trivial;
use crate::events::{Event, Observer, Outcome};
use crate::options::TrainOptions;
use crate::parallel::Ranks;
use crate::run_directory::{CONFIG, RunDirectory};
use crate::study;
use crate::watch::Watch;

/// Trains a predictor of metadata columns, or one for every fold.
///
/// # Errors
/// Settings at odds, files that cannot be read or written, a loss that is no number.
pub fn train(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    match options.split.cross_validates() {
        true => cross_validate(options, observer, interrupt),
        false => train_once(options, Judged::Best, None, observer, interrupt),
    }
}

/// Trains on the lists of a fold. The model after the last epoch is judged: the best one was chosen
/// by the samples held out.
///
/// # Errors
/// Those of [`train`].
pub(crate) fn train_fold(
    options: &TrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    train_once(options, Judged::Last, None, observer, interrupt)
}

/// What is done with a run that is ready to begin, in place of it.
pub(crate) trait Rehearsal {
    /// Does it; `run` is the directory of the run.
    ///
    /// # Errors
    /// Those of training.
    fn rehearse(
        &mut self,
        trainer: Trainer<'_>,
        objective: &Finetuning<'_>,
        model: FineTuned,
        sampling: &Sampling<'_>,
        run: &RunDirectory,
    ) -> Result<Outcome, RunError>;
}

/// Makes everything ready as [`train`] does for a single run, then does what `rehearsal` does.
///
/// # Errors
/// Those of [`train`].
pub(crate) fn rehearse(
    options: &TrainOptions,
    rehearsal: &mut dyn Rehearsal,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    train_once(options, Judged::Best, Some(rehearsal), observer, interrupt)
}

/// Which weights are judged in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// The best by the validation samples.
    Best,
    /// Those after the last epoch.
    Last,
}

fn train_once(
    options: &TrainOptions,
    judged: Judged,
    rehearsal: Option<&mut dyn Rehearsal>,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    Watch::over("train", observer, |watch| {
        train_watched(options, judged, rehearsal, watch, interrupt)
    })
}

fn train_watched(
    options: &TrainOptions,
    judged: Judged,
    rehearsal: Option<&mut dyn Rehearsal>,
    observer: &mut Watch<'_>,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    let TrainOptions {
        data, optimization, ..
    } = options;
    let seed = optimization.seed;
    check(optimization, data)?;
    let resumed = Resumed::of(optimization)?;
    let resumed = resumed.as_ref();
    let transform = target_scales::chosen(options)?;
    let (ranks, strategy_choice) = Ranks::new(optimization)?;
    settle_attention(optimization, &ranks.device(), observer)?;
    settle_precision(optimization, &ranks.device(), observer)?;
    if rehearsal.is_some() && ranks.first().communicator().size() > 1 {
        return Err(RunError::Usage(
            "--strategy: what is tried here is tried on one rank; leave it out".to_owned(),
        ));
    }
    let fusion =
        Registry::<FusionKind>::load()?.resolve(chosen(options.fusion.as_ref(), "fusion")?)?;
    let head = Registry::<HeadKind>::load()?.resolve(chosen(options.head.as_ref(), "head")?)?;
    let losses = TargetLosses::read(options)?;
    let weighting = Weighting::read(options)?;
    let device = ranks.device().autodiff();
    let (mut pretrained, mut config) = match (resumed, &options.pretrained_encoder) {
        (Some(resumed), _) => (None, resumed.manifest.model.clone()),
        (None, Some(path)) => {
            let (base, config) = pretrained(path, &options.model, data, &device)?;
            (Some(base), config)
        }
        (None, None) => (None, model_config(&options.model, data)),
    };
    let values = study::diversity::values(data, options.unifrac_weight);
    if values > config.sample_values {
        config.sample_values = values;
        pretrained = pretrained
            .map(|base| {
                seeded(seed, "initial weights of the readout", &device, || {
                    Ok(base.with_readout(&config, &device))
                })
            })
            .transpose()?;
    }
    config.category_dropout = options.categories.categorical_dropout;
    config.validate()?;
    let plan = Plan::finetuning(config.pooling, optimization);
    let limits = plan.limits(optimization);
    if is_done(resumed, optimization, limits, observer)? {
        return Ok(Outcome::Finished);
    }
    let frozen = freezes(options, &config)?;
    check_settings(
        options,
        config.pooling,
        frozen,
        options.pretrained_encoder.is_some(),
        observer,
    )?;
    let base_rates = BaseRates::read(&options.adaptation, frozen, plan.lr)?;
    let policy = policy(data, seed);
    let (study, metadata, targets) = read_study(options, observer)?;
    let ids = study.table.sample_ids();
    let labels = class_labels(&targets);
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let division = Division::new(options, &metadata, ids, labels.as_deref(), &mut notes)?;
    let split = match resumed {
        Some(resumed) => resumed.split(ids)?,
        None => division.split(&mut notes)?,
    };
    let asked = Asked::new(settings(options), &study.table, Some(&metadata), &split)?;
    if let Some(resumed) = resumed {
        asked.check(&resumed.state.asked)?;
    }
    let warning = division.warning(&metadata, &split, &options.metadata_column);
    if let Some(text) = warning {
        observer.observe(&Event::Warning(&text))?;
    }
    warn_of_unseen_classes(&targets, &split, observer)?;
    let task = study.supervision.as_ref();
    let task = task
        .map(|supervision| BaseTask::new(supervision, &split.train))
        .transpose()?;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let weigh = |by: &Weighting| by.weigh(&metadata, ids, &split.train, &mut notes);
    let weights = weighting.as_ref().map(weigh).transpose()?;
    let balance =
        sampling::categories(options, &metadata, &targets, ids, &split.train, &mut notes)?;
    let scaling = Scaling::read(transform, options, &metadata, ids)?;
    let categories = CategoryVocabulary::fit(
        &options.categories,
        &options.metadata_column,
        &metadata,
        &ids_of(ids, &split.train),
        &mut |note| observer.observe(&Event::Note(&note)),
    )?;
    let parts = PredictorManifest {
        config: predictor_config(options, &config),
        fusion,
        head,
        strategy: strategy_choice,
        targets: target_manifests(&scaling, &targets, &split, &losses, &metadata, ids)?,
        categories,
    };
    let parts = resumed.map_or(parts.clone(), |resumed| resumed.parts(parts));
    output::note_far_targets(transform, &targets.columns, &split.train, observer)?;
    losses.check(&parts.targets, &device)?;
    let categories = CategoryIds::new(&parts.categories, Some(&metadata), ids)?;
    if let Some(text) = categories.warning() {
        observer.observe(&Event::Warning(&text))?;
    }
    let (scales, unseen) = TargetScales::new(&parts.targets, Some(&metadata), ids)?;
    scales.note(&parts.targets, observer)?;
    target_scales::warn(&unseen, observer)?;
    let mut manifest = manifest(config.clone(), policy.clone());
    manifest.predictor = Some(parts.clone());
    manifest.train_samples = ids_of(ids, &split.train);
    manifest.validation_samples = ids_of(ids, &split.validation);
    let model = drawn(seed, "initial weights", &device, |device| {
        FineTuned::init(&manifest, device)
    })?;
    output::check(
        &options.output,
        &parts.targets,
        &scales,
        &model.losses,
        &targets.columns,
        &split.train,
    )?;
    let model = assembled(model, pretrained, frozen).with_precision(optimization.mixed_precision);
    let mut model = adapted(model, options, &device)?;
    if let Some(resumed) = resumed {
        model = resumed.weights_into(model)?;
    }
    let run = ranks.run_directory(optimization)?;
    let mut recorded = options.clone();
    recorded.optimization.resume = false;
    plan.record(&mut recorded.optimization);
    recorded.freeze_base = Some(frozen);
    recorded.target.target_transform = Some(transform);
    losses.record(&mut recorded.target);
    if let Some(weighting) = &weighting {
        weighting.record(&mut recorded.target);
    }
    run.write(CONFIG, &config_text("train", &recorded)?)?;
    run.write_ids("samples_train.txt", ids, &split.train)?;
    run.write_ids("samples_val.txt", ids, &split.validation)?;
    let sides = (split.train.len(), split.validation.len());
    if ranks.has_first() && rehearsal.is_none() {
        observer.begin(&run, &recorded, optimization.watch, Some(sides))?;
    }
    let batcher = batcher(&study, &policy, optimization.asv_chunk_size);
    let is_fitted = resumed.is_some();
    let samples = (&batcher, &split);
    let (model, frozen) = fitted(model, is_fitted, frozen, samples, seed, &device, observer)?;
    let nucleotides = (options.nucleotide_weight > 0.0).then(|| {
        let quirks = config.compatibility;
        Nucleotides::new(
            &batcher,
            &split,
            options.masking.config(),
            quirks,
            seed,
            device.clone(),
        )
    });
    let passes = options.val_prediction_passes;
    let (passes, note) = useful_passes(passes, &batcher, &split.validation);
    if let Some(note) = note {
        observer.observe(&Event::Warning(&format!("--val-prediction-passes: {note}")))?;
    }
    let objective = Finetuning {
        passes,
        nucleotides: nucleotides
            .as_ref()
            .map(|task| (task, options.nucleotide_weight)),
        batcher,
        task,
        split: &split,
        targets: &targets.columns,
        scales,
        weights,
        categories,
        frozen,
        intervals: model.losses.iter().any(|loss| loss.predicts_interval()),
        target_weight: options.target_weight,
        unifrac_weight: options.unifrac_weight,
        count_weight: options.count_weight,
        category_rate: options.categorical_lr.map(|rate| rate / plan.lr),
        base_rates,
        batch_size: plan.batch_size,
        seed,
        device,
        manifest,
    };
    if optimization.resume {
        run.remove_results()?;
        announce(resumed, observer)?;
    }
    let trainer = Trainer {
        options: optimization,
        plan,
        best_metric: optimization.best_metric.as_deref(),
        done: Done::default(),
        resumed,
        strategy: ranks.first(),
        saving: Saving {
            run: &run,
            asked: &asked,
            stage: 0,
            limits,
        },
        observer: &mut *observer,
        interrupt,
    };
    let sampling = Sampling {
        rows: &split.train,
        categories: balance.as_deref(),
    };
    if let Some(rehearsal) = rehearsal {
        return rehearsal.rehearse(trainer, &objective, model, &sampling, &run);
    }
    let trained = trainer.run(&ranks, &objective, model, &sampling)?;
    if trained.outcome == Outcome::Interrupted {
        stopped(trained.done, observer)?;
    }
    if trained.outcome == Outcome::Interrupted || !ranks.has_first() {
        return Ok(trained.outcome);
    }
    let model = match judged {
        Judged::Best => &trained.best,
        Judged::Last => &trained.last,
    };
    let samples = objective.predict(model)?.samples;
    let mut others = Vec::new();
    if options.baseline_trees > 0 {
        observer.observe(&Event::Note("growing a Random Forest to compare with"))?;
        let forest = Forest::of(options.baseline_trees, seed);
        others.push(Other {
            name: RANDOM_FOREST,
            samples: forest.predict(&study.table, &targets.columns, &split)?,
        });
    }
    others.push(Other {
        name: TRIVIAL,
        samples: trivial(&targets.columns, &split),
    });
    let reported = Reported {
        targets: &targets.columns,
        ids,
        groups: division.groups(),
        folds: None,
        seed,
    };
    let with_intervals = judged == Judged::Best;
    reported.conclude(&run, "model", &samples, &others, with_intervals, observer)?;
    observer.observe(&Event::Saved(&run.join("predictions.tsv")))?;
    observer.observe(&Event::Saved(&run.join("checkpoints/best")))?;
    Ok(trained.outcome)
}
