//! `aam pretrain`: from files to a pre-trained base.

use std::sync::atomic::AtomicBool;

use super::pretraining::Pretraining;
use super::session::{
    Both, batcher, check, config_text, ids_of, manifest, model_config, policy, seeded, strategy,
};
use super::trainer::Trainer;
use crate::error::RunError;
use crate::events::{Event, Observer, Outcome};
use crate::metrics_file::MetricsFile;
use crate::model::{Base, MaskingConfig};
use crate::options::PretrainOptions;
use crate::run_directory::{CONFIG, RunDirectory};
use crate::study::{self, Study};

/// Pre-trains a base on masked nucleotides and UniFrac distances.
///
/// # Errors
/// Settings at odds, files that cannot be read or written, a loss that is no number.
pub fn pretrain(
    options: &PretrainOptions,
    observer: &mut dyn Observer,
    interrupt: &AtomicBool,
) -> Result<Outcome, RunError> {
    let PretrainOptions {
        data, optimization, ..
    } = options;
    check(optimization, data)?;
    let masking = MaskingConfig {
        ratio: options.nuc_mask_ratio,
        strategy: options.nuc_mask_strategy,
    };
    masking.validate()?;
    let config = model_config(&options.model, data);
    config.validate()?;
    let (strategy, _) = strategy(optimization)?;
    let policy = policy(data, optimization.seed);
    let study = read_study(options, observer)?;
    if study.distances.is_none() && options.unifrac_weight > 0.0 {
        return Err(RunError::Usage(
            "pre-training on UniFrac needs --tree or --unifrac-matrix; for nucleotides alone give --unifrac-weight 0".to_owned(),
        ));
    }
    let ids = study.table.sample_ids();
    let split = study::split(ids, None, data, optimization.seed, &mut |note| {
        observer.observe(&Event::Note(&note))
    })?;
    let run = RunDirectory::create(optimization.output_dir.as_deref(), optimization.overwrite)?;
    run.write(CONFIG, &config_text("pretrain", options)?)?;
    run.write_ids("samples_train.txt", ids, &split.train)?;
    run.write_ids("samples_val.txt", ids, &split.validation)?;
    let device = strategy.device().autodiff();
    let model = seeded(
        optimization.seed,
        "initial weights of the base",
        &device,
        || Ok(Base::init(&config, &device)?),
    )?;
    let mut manifest = manifest(config.clone(), policy.clone());
    manifest.train_samples = ids_of(ids, &split.train);
    manifest.validation_samples = ids_of(ids, &split.validation);
    let objective = Pretraining {
        batcher: batcher(&study, &policy, optimization.asv_chunk_size),
        distances: study.distances.as_ref(),
        split: &split,
        unifrac_weight: options.unifrac_weight,
        nucleotide_weight: options.nucleotide_weight,
        masking,
        masked_embeddings: config.compatibility.masked_embeddings,
        batch_size: optimization.batch_size,
        seed: optimization.seed,
        device,
        manifest,
    };
    let mut both = Both(observer, MetricsFile::new(run.join("metrics.tsv")));
    let trainer = Trainer {
        options: optimization,
        strategy: strategy.as_ref(),
        checkpoints: run.join("checkpoints"),
        observer: &mut both,
        interrupt,
    };
    let trained = trainer.run(&objective, model, &split.train)?;
    observer.observe(&Event::Saved(&run.join("checkpoints/best")))?;
    Ok(trained.outcome)
}

fn read_study(options: &PretrainOptions, observer: &mut dyn Observer) -> Result<Study, RunError> {
    let data = &options.data;
    let seed = options.optimization.seed;
    let mut notes = |note: String| observer.observe(&Event::Note(&note));
    let table = study::read_reads(data.table.as_deref(), data.sequences.as_deref(), &mut notes)?;
    let all = table.sample_ids().to_vec();
    let table = study::rarefied(table, data.rarefy_depth, seed, &mut notes)?;
    let (table, distances) = study::with_distances(table, &all, data, &mut notes)?;
    let sequences = study::tokenized(&table, &policy(data, seed).tokens(), &mut notes)?;
    Ok(Study {
        table,
        sequences,
        distances,
    })
}
