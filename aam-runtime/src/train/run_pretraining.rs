//! `aam pretrain`: from files to a pre-trained base.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use aam_api::Alone;
use burn::module::Module;
use burn::tensor::Device;

use super::base_task::BaseTask;
use super::encoding::Embeddings;
use super::fingerprint::Asked;
use super::fitting::{SCALED_OVER, TrainingSamples};
use super::masked_nucleotides::MaskedNucleotides;
use super::nucleotides::Nucleotides;
use super::plan::Plan;
use super::pretraining::Pretraining;
use super::resume::{Resumed, announce, say_done, settings, stopped};
use super::sampling::Sampling;
use super::saving::Saving;
use super::session::{
    batcher, check, config_text, drawn, ids_of, manifest, model_config, policy, settle_attention,
    settle_precision,
};
use super::state::Done;
use super::trainer::Trainer;
use crate::batch::Batcher;
use crate::checkpoint::Manifest;
use crate::data::{Split, Storage};
use crate::error::RunError;
use crate::events::{Event, Observer, Outcome};
use crate::model::{Base, SamplePooling};
use crate::options::PretrainOptions;
use crate::parallel::Ranks;
use crate::run_directory::{CONFIG, RunDirectory};
use crate::study::{self, Study};
use crate::watch::Watch;

/// Pre-trains a base on masked nucleotides and UniFrac distances.
///
/// # Errors
/// Settings at odds, files that cannot be read or written, a loss that is no number.
pub fn pretrain(
    options: &PretrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    Watch::over("pretrain", observer, |watch| {
        pretrain_watched(options, watch, interrupt)
    })
}

fn pretrain_watched(
    options: &PretrainOptions,
    observer: &mut Watch<'_>,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    let PretrainOptions {
        data, optimization, ..
    } = options;
    check(optimization, data)?;
    let masking = options.masking.config();
    masking.validate()?;
    let resumed = Resumed::of(optimization)?;
    let resumed = resumed.as_ref();
    let mut config = match resumed {
        Some(resumed) => resumed.manifest.model.clone(),
        None => model_config(&options.model, data),
    };
    config.sample_values = study::diversity::values(data, options.unifrac_weight);
    config.validate()?;
    let staged = config.pooling == SamplePooling::Abundance;
    let on_nucleotides =
        options.nucleotide_weight > 0.0 && !(staged && options.nucleotide_steps == 0);
    if !on_nucleotides && options.unifrac_weight <= 0.0 {
        return Err(RunError::Usage(
            "nothing to pre-train on: give --unifrac-weight, or --nucleotide-weight and --nucleotide-steps, a number above 0".to_owned(),
        ));
    }
    let stages = 1 + usize::from(staged && on_nucleotides && options.unifrac_weight > 0.0);
    let plan = match options.unifrac_weight > 0.0 || !staged {
        true => Plan::distances(config.pooling, optimization),
        false => nucleotide_plan(options),
    };
    if resumed.is_some_and(|resumed| resumed.is_finished(stages, plan.limits(optimization))) {
        let path = optimization.output_dir.as_deref();
        say_done(path.unwrap_or(Path::new(".")), observer)?;
        return Ok(Outcome::Finished);
    }
    let (ranks, _) = Ranks::new(optimization)?;
    settle_attention(optimization, &ranks.device(), observer)?;
    settle_precision(optimization, &ranks.device(), observer)?;
    let policy = policy(data, optimization.seed);
    let study = read_study(options, observer)?;
    if study.supervision.is_none() && options.unifrac_weight > 0.0 {
        return Err(RunError::Usage(
            "pre-training on UniFrac needs --tree or --unifrac-matrix; without either, give --unifrac-metric bray-curtis or jaccard, or for nucleotides alone --unifrac-weight 0".to_owned(),
        ));
    }
    let ids = study.table.sample_ids();
    let split = match resumed {
        Some(resumed) => resumed.split(ids)?,
        None => study::split(ids, None, data, optimization.seed, &mut |note| {
            observer.observe(&Event::Note(&note))
        })?,
    };
    let asked = Asked::new(settings(options), &study.table, None, &split)?;
    if let Some(resumed) = resumed {
        asked.check(&resumed.state.asked)?;
    }
    let task = study
        .supervision
        .as_ref()
        .filter(|_| options.unifrac_weight > 0.0)
        .map(|supervision| BaseTask::new(supervision, &split.train))
        .transpose()?;
    let run = ranks.run_directory(optimization)?;
    let mut recorded = options.clone();
    recorded.optimization.resume = false;
    Plan::distances(config.pooling, optimization).record(&mut recorded.optimization);
    run.write(CONFIG, &config_text("pretrain", &recorded)?)?;
    run.write_ids("samples_train.txt", ids, &split.train)?;
    run.write_ids("samples_val.txt", ids, &split.validation)?;
    let sides = (split.train.len(), split.validation.len());
    if ranks.has_first() {
        observer.begin(&run, &recorded, optimization.watch, Some(sides))?;
    }
    let device = ranks.device().autodiff();
    let base = drawn(
        optimization.seed,
        "initial weights of the base",
        &device,
        |device| Ok(Base::init(&config, device)?),
    )?
    .with_precision(optimization.mixed_precision);
    let mut manifest = manifest(config.clone(), policy.clone());
    manifest.train_samples = ids_of(ids, &split.train);
    manifest.validation_samples = ids_of(ids, &split.validation);
    let batcher = batcher(&study, &policy, optimization.asv_chunk_size);
    let nucleotides = on_nucleotides.then(|| {
        let (compatibility, seed) = (config.compatibility, optimization.seed);
        Nucleotides::new(
            &batcher,
            &split,
            masking,
            compatibility,
            seed,
            device.clone(),
        )
    });
    if optimization.resume {
        announce(resumed, observer)?;
    }
    let mut run_of = Run {
        options,
        task,
        split: &split,
        batcher,
        ranks: &ranks,
        device,
        manifest,
        directory: &run,
        asked: &asked,
        resumed,
        observer: &mut *observer,
        interrupt,
    };
    let (outcome, done) = match staged {
        true => run_of.in_stages(base, nucleotides.as_ref())?,
        false => run_of.at_once(base, nucleotides.as_ref())?,
    };
    if outcome == Outcome::Interrupted {
        stopped(done, observer)?;
        return Ok(outcome);
    }
    observer.observe(&Event::Saved(&run.join("checkpoints/best")))?;
    Ok(outcome)
}

/// What the stages of a run share.
struct Run<'a> {
    options: &'a PretrainOptions,
    task: Option<BaseTask<'a>>,
    split: &'a Split,
    batcher: Batcher<'a>,
    ranks: &'a Ranks,
    device: Device,
    manifest: Manifest,
    directory: &'a RunDirectory,
    asked: &'a Asked,
    resumed: Option<&'a Resumed>,
    observer: &'a mut dyn Observer,
    interrupt: &'a AtomicBool,
}

impl<'a> Run<'a> {
    fn trainer(
        &mut self,
        stage: usize,
        plan: Plan,
        best_metric: Option<&'a str>,
        done: Done,
    ) -> Trainer<'_> {
        let options = &self.options.optimization;
        Trainer {
            options,
            plan,
            best_metric,
            done,
            resumed: self.resumed.filter(|run| run.state.stage == stage),
            strategy: self.ranks.first(),
            saving: Saving {
                run: self.directory,
                asked: self.asked,
                stage,
                limits: plan.limits(options),
            },
            observer: &mut *self.observer,
            interrupt: self.interrupt,
        }
    }

    /// Nucleotides first; then distances, on the ASV embeddings that came out. A batch of samples
    /// has thousands of ASVs, which is more than the nucleotides need to learn and more than the
    /// distances need to be learnt again in every step.
    fn in_stages(
        &mut self,
        mut base: Base,
        nucleotides: Option<&Nucleotides<'_>>,
    ) -> Result<(Outcome, Done), RunError> {
        let options = self.options;
        let task = self.task;
        let chosen = options.optimization.best_metric.as_deref();
        let mut done = Done::default();
        let mut unchanging = Vec::new();
        // The stage of samples comes second, unless it is the only one.
        let second = usize::from(nucleotides.is_some());
        let resumed = self.resumed.filter(|run| run.state.stage == second);
        if let (Some(resumed), Some(_)) = (resumed, task) {
            base = resumed.weights_into(base)?;
            let validate = |task: &Nucleotides<'_>| task.validate(&base.valid(), &Alone);
            unchanging = nucleotides.map(validate).transpose()?.unwrap_or_default();
        } else if let Some(nucleotides) = nucleotides {
            self.note("first, masked nucleotides: training the encoder of ASVs")?;
            let plan = nucleotide_plan(options);
            let objective = MaskedNucleotides {
                nucleotides,
                manifest: self.manifest.clone(),
            };
            let chosen = chosen.filter(|_| task.is_none());
            let ranks = self.ranks;
            let asvs = each_once(nucleotides.training_asvs());
            let trainer = self.trainer(0, plan, chosen, done);
            let trained = trainer.run(ranks, &objective, base, &asvs)?;
            if task.is_none() || trained.outcome == Outcome::Interrupted {
                return Ok((trained.outcome, trained.done));
            }
            base = trained.best;
            done = trained.done;
            unchanging = nucleotides.validate(&base.valid(), &Alone)?;
        }
        let Some(task) = task else {
            unreachable!("a run without distances or diversity is one on nucleotides");
        };
        let what = task.title();
        self.note(&format!("{what}: training on the embeddings of the ASVs"))?;
        let base = base.freeze_asv_encoder();
        let rows = [self.split.train.as_slice(), &self.split.validation].concat();
        let embeddings = self.embeddings(&base, &rows)?;
        let samples = self.training_samples(&embeddings);
        let base = match resumed {
            Some(_) => base,
            None => task.prepared(samples.fit(base), &samples),
        };
        let plan = Plan::distances(SamplePooling::Abundance, &options.optimization);
        let objective = Pretraining {
            frozen: Some(embeddings),
            unchanging,
            ..self.objective(plan)
        };
        let (ranks, rows) = (self.ranks, each_once(&self.split.train));
        let trainer = self.trainer(second, plan, chosen, done);
        let trained = trainer.run(ranks, &objective, base, &rows)?;
        Ok((trained.outcome, trained.done))
    }

    /// Distances and nucleotides together, as in the reference implementation.
    fn at_once(
        &mut self,
        base: Base,
        nucleotides: Option<&Nucleotides<'_>>,
    ) -> Result<(Outcome, Done), RunError> {
        let options = self.options;
        let plan = Plan::distances(SamplePooling::Attention, &options.optimization);
        let mut base = base;
        if let (Some(task), None) = (self.task, self.resumed) {
            // The encoder learns: only the ASVs that the scale is measured on are encoded before.
            let rows = &self.split.train;
            let embeddings = self.embeddings(&base, &rows[..rows.len().min(SCALED_OVER)])?;
            base = task.prepared(base, &self.training_samples(&embeddings));
        }
        let objective = Pretraining {
            nucleotides: nucleotides.map(|task| (task, options.nucleotide_weight)),
            ..self.objective(plan)
        };
        let chosen = options.optimization.best_metric.as_deref();
        let (ranks, rows) = (self.ranks, each_once(&self.split.train));
        let trainer = self.trainer(0, plan, chosen, Done::default());
        let trained = trainer.run(ranks, &objective, base, &rows)?;
        Ok((trained.outcome, trained.done))
    }

    fn note(&mut self, text: &str) -> Result<(), RunError> {
        self.observer.observe(&Event::Note(text))
    }

    fn embeddings(&mut self, base: &Base, rows: &[usize]) -> Result<Embeddings, RunError> {
        let device = self.device.clone().inner();
        Embeddings::of_samples(
            &base.valid(),
            &self.batcher,
            rows,
            &device,
            |done, total| {
                self.observer.observe(&Event::Progress {
                    what: "encoding ASVs",
                    done,
                    total,
                })
            },
        )
    }

    fn training_samples<'b>(&'b self, embeddings: &'b Embeddings) -> TrainingSamples<'b> {
        TrainingSamples {
            batcher: &self.batcher,
            embeddings,
            rows: &self.split.train,
            seed: self.options.optimization.seed,
            device: &self.device,
        }
    }

    fn objective(&self, plan: Plan) -> Pretraining<'a> {
        Pretraining {
            batcher: self.batcher,
            task: self.task,
            split: self.split,
            unifrac_weight: self.options.unifrac_weight,
            nucleotides: None,
            frozen: None,
            validation_truth: OnceLock::new(),
            unchanging: Vec::new(),
            masked_embeddings: self.manifest.model.compatibility.masked_embeddings,
            batch_size: plan.batch_size,
            seed: self.options.optimization.seed,
            device: self.device.clone(),
            manifest: self.manifest.clone(),
        }
    }
}

fn nucleotide_plan(options: &PretrainOptions) -> Plan {
    let (steps, batch) = (options.nucleotide_steps, options.nucleotide_batch_size);
    Plan::nucleotides(steps, batch, &options.optimization)
}

/// All of `rows` in every epoch.
fn each_once(rows: &[usize]) -> Sampling<'_> {
    Sampling {
        rows,
        categories: None,
    }
}

fn read_study(options: &PretrainOptions, observer: &mut dyn Observer) -> Result<Study, RunError> {
    let data = &options.data;
    let seed = options.optimization.seed;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let output = options.optimization.output_dir.as_deref();
    let storage = Storage::of_run(data.streaming, output);
    let table = study::read_reads(
        data.table.as_deref(),
        data.sequences.as_deref(),
        &storage,
        &mut notes,
    )?;
    let all = table.sample_ids().to_vec();
    let table = study::rarefied(table, data.rarefy_depth, seed, &mut notes)?;
    let (table, supervision) = study::with_supervision(table, &all, data, &mut notes)?;
    let sequences = study::tokenized(&table, &policy(data, seed).tokens(), &mut notes)?;
    Ok(Study {
        table,
        sequences,
        supervision,
    })
}
