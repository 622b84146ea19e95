//! Commands whose flags are options of the runtime: their names, purposes and options.

use aam_api::kind::kinds;
use aam_api::options::{self, OptionInfo};
use aam_api::{AsvEncoderKind, ComponentInfo, Kind, KindEntry, PluginError, Stage};
use aam_runtime::compare::CompareOptions;
use aam_runtime::compare::tune::TuneOptions;
use aam_runtime::embed::EmbedOptions;
use aam_runtime::lr_find::RateRangeOptions;
use aam_runtime::options::{
    CheckOptions, ExplainOptions, ExportOptions, PredictOptions, PretrainOptions,
    RfBaselineOptions, TrainOptions,
};
use aam_runtime::simulate::SimulateOptions;
use aam_runtime::train_encoder::TrainEncoderOptions;
use aam_runtime::unifrac_job::UnifracOptions;

/// A command that is configured by flags and a configuration file.
#[derive(Clone)]
pub struct Job {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Example command lines.
    pub examples: &'static str,
    /// Its options, under the headings of the help text.
    pub groups: Vec<Group>,
    /// The kinds of components that it chooses, with the linked components of each.
    pub kinds: Vec<(&'static KindEntry, Vec<ComponentInfo>)>,
}

/// Options under a heading.
#[derive(Clone)]
pub struct Group {
    /// The heading.
    pub heading: &'static str,
    /// The options.
    pub options: Vec<OptionInfo>,
}

impl Job {
    /// All options of the command, without those of components.
    pub fn options(&self) -> impl Iterator<Item = &OptionInfo> {
        self.groups.iter().flat_map(|group| &group.options)
    }

    /// The option named `name`.
    pub fn option(&self, name: &str) -> Option<&OptionInfo> {
        self.options().find(|option| option.name == name)
    }

    /// The kind named `name`, if the command chooses components of it.
    pub fn kind(&self, name: &str) -> Option<&'static KindEntry> {
        let mut kinds = self.kinds.iter().map(|(kind, _)| *kind);
        kinds.find(|kind| kind.is_called(name))
    }
}

/// Returns all such commands.
///
/// # Errors
/// Two components share a name.
pub fn all() -> Result<Vec<Job>, PluginError> {
    Ok(vec![
        check(),
        pretrain()?,
        train()?,
        compare()?,
        tune()?,
        lr_find()?,
        rf_baseline(),
        predict(),
        explain(),
        embed(),
        export(),
        train_encoder()?,
        unifrac(),
        simulate(),
    ])
}

/// Returns the command named `name`.
///
/// # Errors
/// Two components share a name.
pub fn named(name: &str) -> Result<Option<Job>, PluginError> {
    Ok(all()?.into_iter().find(|job| job.name == name))
}

fn check() -> Job {
    Job {
        name: "check",
        about: "Inspect the files of a study before training",
        examples: "aam check study\n\
                   aam check study --metadata-column ph --html study.html\n\
                   aam check --table table.biom --metadata metadata.tsv --metadata-column ph --json",
        groups: vec![Group {
            heading: "Study",
            options: options::of::<CheckOptions>(),
        }],
        kinds: Vec::new(),
    }
}

fn pretrain() -> Result<Job, PluginError> {
    Ok(Job {
        name: "pretrain",
        about: "Learn ASV and sample embeddings from UniFrac distances and masked nucleotides",
        examples: "aam pretrain --table table.biom --tree tree.nwk --output-dir pretrained\n\
                   aam pretrain --table table.biom --unifrac-matrix unifrac.tsv --preset small \\\n    \
                   --output-dir pretrained\n\
                   aam pretrain --config pretrained/config.toml --output-dir again",
        groups: grouped("Pre-training", options::of::<PretrainOptions>()),
        kinds: chosen_in(Stage::Pretraining)?,
    })
}

fn train() -> Result<Job, PluginError> {
    Ok(Job {
        name: "train",
        about: "Train a model that predicts metadata columns, numeric or categorical",
        examples: "aam train --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --pretrained-encoder pretrained/checkpoints/best --output-dir trained\n\
                   aam train --table table.biom --metadata metadata.tsv --metadata-column site \\\n    \
                   --classifier --head mlp --head.hidden 64,32 --output-dir trained\n\
                   aam train --config trained/config.toml --output-dir again",
        groups: grouped("Target", options::of::<TrainOptions>()),
        kinds: chosen_in(Stage::Training)?,
    })
}

fn compare() -> Result<Job, PluginError> {
    Ok(Job {
        name: "compare",
        about: "Train components side by side on the same folds of a study, and print one table",
        examples: "aam compare --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --head linear,mlp,residual --loss huber,mse --output-dir compared\n\
                   aam compare --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --head linear,mlp --head.hidden 64,32 --folds 10 --output-dir compared-10\n\
                   aam compare --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --head mlp --head.hidden '64|64,32' --lr 0.001,0.003 --output-dir compared-sizes",
        groups: grouped("Target", options::of::<CompareOptions>()),
        kinds: chosen_in(Stage::Training)?,
    })
}

fn tune() -> Result<Job, PluginError> {
    Ok(Job {
        name: "tune",
        about: "Search for the best settings on folds of a study, and write them as a configuration file",
        examples: "aam tune --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --output-dir tuned\n\
                   aam tune --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --search 'lr=1e-3..1e-2 log; head=linear|mlp; head.dropout=0..0.5' \\\n    \
                   --trials 30 --output-dir tuned-heads\n\
                   aam train --config tuned/best.toml --output-dir trained",
        groups: grouped("Target", options::of::<TuneOptions>()),
        kinds: chosen_in(Stage::Training)?,
    })
}

fn lr_find() -> Result<Job, PluginError> {
    Ok(Job {
        name: "lr-find",
        about: "Train with increasing learning rates, and suggest one",
        examples: "aam lr-find --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --output-dir rates\n\
                   aam lr-find --config trained/config.toml --start-lr 1e-5 --end-lr 1 --output-dir rates",
        groups: grouped("Target", options::of::<RateRangeOptions>()),
        kinds: chosen_in(Stage::Training)?,
    })
}

fn rf_baseline() -> Job {
    Job {
        name: "rf-baseline",
        about: "Evaluate a Random Forest on relative abundances, as a baseline for a model",
        examples: "aam rf-baseline --table table.biom --metadata metadata.tsv --metadata-column ph \\\n    \
                   --folds 5 --output-dir forest\n\
                   aam rf-baseline --table table.biom --metadata metadata.tsv --metadata-column age \\\n    \
                   --group-column host_subject_id --folds 5 --output-dir forest",
        groups: vec![Group {
            heading: "Random Forest",
            options: options::of::<RfBaselineOptions>(),
        }],
        kinds: Vec::new(),
    }
}

fn predict() -> Job {
    Job {
        name: "predict",
        about: "Predict the targets of a table's samples with a trained model",
        examples: "aam predict --model trained --table new.biom --output predictions.tsv",
        groups: vec![Group {
            heading: "Prediction",
            options: options::of::<PredictOptions>(),
        }],
        kinds: Vec::new(),
    }
}

fn explain() -> Job {
    Job {
        name: "explain",
        about: "Show which ASVs drive the predictions of a trained model, and in which direction",
        examples: "aam explain --model trained --table table.biom --output-dir explained\n\
                   aam explain --model trained --table table.biom --metadata metadata.tsv \\\n    \
                   --taxonomy taxonomy.qza --tree tree.nwk --output-dir explained",
        groups: vec![Group {
            heading: "Explanation",
            options: options::of::<ExplainOptions>(),
        }],
        kinds: Vec::new(),
    }
}

fn unifrac() -> Job {
    Job {
        name: "unifrac",
        about: "Compute UniFrac distances between all samples of a table",
        examples: "aam unifrac --table table.biom --tree tree.nwk --output unweighted.h5\n\
                   aam unifrac --table table.biom --tree tree.nwk --metric generalized:0.5 \\\n    \
                   --precision f32 --output generalized.tsv",
        groups: vec![Group {
            heading: "Distances",
            options: options::of::<UnifracOptions>(),
        }],
        kinds: Vec::new(),
    }
}

fn embed() -> Job {
    Job {
        name: "embed",
        about: "Write a model's embeddings of ASVs or samples",
        examples: "aam embed --model pretrained --table table.biom --output asvs.tsv\n\
                   aam embed --model trained --table table.biom --of samples --output samples.npy",
        groups: vec![Group {
            heading: "Embeddings",
            options: options::of::<EmbedOptions>(),
        }],
        kinds: Vec::new(),
    }
}

fn export() -> Job {
    Job {
        name: "export",
        about: "Write a trained model as ONNX, which other programs run",
        examples: "aam export --model trained --format onnx --output-dir exported\n\
                   aam export --model trained --format onnx --table table.biom --output-dir exported",
        groups: vec![Group {
            heading: "Export",
            options: options::of::<ExportOptions>(),
        }],
        kinds: Vec::new(),
    }
}

fn train_encoder() -> Result<Job, PluginError> {
    let kinds = kinds()?.into_iter();
    let encoders = kinds.filter(|kind| kind.is_called(AsvEncoderKind::NAME));
    Ok(Job {
        name: "train-encoder",
        about: "Train an ASV encoder for use in any study, on full-length reference genes",
        examples: "aam train-encoder --sequences 97_otus.fasta --taxonomy 97_otu_taxonomy.txt \\\n    \
                   --tree 97_otus.tree --output-dir encoder",
        groups: vec![Group {
            heading: "Encoder",
            options: options::of::<TrainEncoderOptions>(),
        }],
        kinds: encoders
            .map(|kind| Ok((kind, kind.list()?)))
            .collect::<Result<_, PluginError>>()?,
    })
}

fn simulate() -> Job {
    Job {
        name: "simulate",
        about: "Simulate a study with known truth: table, tree, metadata and UniFrac distances",
        examples: "aam simulate --output-dir study --samples 200",
        groups: vec![Group {
            heading: "Study",
            options: options::of::<SimulateOptions>(),
        }],
        kinds: Vec::new(),
    }
}

/// The kinds that runs of `stage` choose, with the linked components of each.
fn chosen_in(stage: Stage) -> Result<Vec<(&'static KindEntry, Vec<ComponentInfo>)>, PluginError> {
    let chosen = kinds()?.into_iter().filter(|kind| kind.is_chosen_in(stage));
    chosen.map(|kind| Ok((kind, kind.list()?))).collect()
}

/// Groups options by heading; `own` is the heading of those without one.
fn grouped(own: &'static str, all: Vec<OptionInfo>) -> Vec<Group> {
    let headings = [
        "Data",
        "Split",
        own,
        "Categories",
        "Model",
        "Output",
        "Training",
    ];
    let heading = |option: &OptionInfo| {
        let heading = option.facts.heading.as_deref();
        let mut known = headings.into_iter();
        known.find(|known| Some(*known) == heading).unwrap_or(own)
    };
    let under = |heading_of_group: &'static str| Group {
        heading: heading_of_group,
        options: all
            .iter()
            .filter(|option| heading(option) == heading_of_group)
            .cloned()
            .collect(),
    };
    headings.map(under).into()
}
