//! `aam demo`: the main workflow from beginning to end, on a simulated study.
//!
//! It simulates a study, pre-trains and trains a model on four fifths of its samples, and predicts the
//! held-out fifth. Since the study is simulated, the truth is known. Each step runs exactly the command
//! printed before it.

use std::fs;
use std::path::{Path, PathBuf};

use aam_runtime::io_words::in_words;
use aam_runtime::options::{
    GivenTableOptions, PredictOptions, PretrainOptions, SelectionOptions, TrainOptions,
};
use aam_runtime::run::events::Observer;
use aam_runtime::simulate::{SimulateOptions, Study};
use clap::ArgMatches;

use super::{demo_summary, pretrain, simulate, train};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{say, say_strong};
use crate::progress;
use crate::settings::{command_line, with_default_components};

/// One in this many samples is held out, and one is a validation sample.
const HELD_OUT_EVERY: usize = 5;
/// Bases per ASV.
const SEQUENCE_LENGTH: usize = 100;

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, Failure> {
    let quiet = super::quiet(matches);
    let folder = matches
        .get_one::<String>("output-dir")
        .map_or("aam-demo", String::as_str);
    let demo = Demo {
        folder: PathBuf::from(folder),
        quiet,
    };
    demo.clear(matches.get_flag("overwrite"))?;
    demo.run(progress::display(super::amount(matches)).as_mut())
}

struct Demo {
    folder: PathBuf,
    quiet: bool,
}

impl Demo {
    /// The files and folders that the demo creates in its folder.
    const PARTS: [&str; 4] = ["study", "pretrained", "trained", "predictions.tsv"];

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Removes what an earlier demo created if `overwrite` is set, and nothing else.
    fn clear(&self, overwrite: bool) -> Result<(), Failure> {
        for path in Self::PARTS
            .map(|part| self.path(part))
            .iter()
            .filter(|path| path.exists())
        {
            if !overwrite {
                return Err(
                    Failure::usage(format!("{}: exists already", path.display())).help(
                        "choose another --output-dir, or replace the demo in it with --overwrite",
                    ),
                );
            }
            let removed = match path.is_dir() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
            removed.map_err(|error| cannot_write(path, &error))?;
        }
        Ok(())
    }

    fn announce(&self, what: &str, command: &str) {
        if !self.quiet {
            say("");
            say_strong(what);
            say(&format!("  $ {command}"));
        }
    }

    fn run(&self, display: &mut dyn Observer) -> Result<Exit, Failure> {
        let study = self.simulate()?;
        let held_out = self.hold_out(&study)?;
        for exit in [self.pretrain(display)?, self.train(display)?] {
            if exit != Exit::Done {
                return Ok(exit);
            }
        }
        self.predict(display)?;
        demo_summary::print(&study, &held_out, &self.path("predictions.tsv"))?;
        Ok(Exit::Done)
    }

    fn simulate(&self) -> Result<Study, Failure> {
        // Small enough to run in minutes, with an effect of the environment that shows in 200 samples.
        let options = SimulateOptions {
            samples: 200,
            asvs: 120,
            sequence_length: SEQUENCE_LENGTH,
            richness: 40.0,
            gradient_effect: 2.5,
            hidden_effect: 0.3,
            noise: 0.5,
            ..SimulateOptions::default()
        };
        let output = self.path("study");
        self.announce(
            "1. A simulated study with known truth",
            &format!(
                "{} --output-dir {}",
                command_line("simulate", &options),
                output.display()
            ),
        );
        let study = aam_runtime::simulate::simulate(&options)?;
        simulate::write(&study, &output, false)?;
        Ok(study)
    }

    /// Writes the lists of training, validation and held-out samples; returns the held-out rows.
    fn hold_out(&self, study: &Study) -> Result<Vec<usize>, Failure> {
        let mut lists = [
            ("train", vec![]),
            ("validation", vec![]),
            ("held-out", vec![]),
        ];
        for row in 0..study.table.num_samples() {
            let list = match row % HELD_OUT_EVERY {
                0 => 2,
                1 => 1,
                _ => 0,
            };
            lists[list].1.push(row);
        }
        for (name, rows) in &lists {
            let ids = rows
                .iter()
                .map(|&row| format!("{}\n", study.table.sample_ids()[row]));
            let path = self.samples(name);
            fs::write(&path, ids.collect::<String>())
                .map_err(|error| cannot_write(&path, &error))?;
        }
        let [.., (_, held_out)] = lists;
        Ok(held_out)
    }

    fn samples(&self, list: &str) -> PathBuf {
        self.path("study").join(format!("samples-{list}.txt"))
    }

    fn pretrain(&self, display: &mut dyn Observer) -> Result<Exit, Failure> {
        let mut options = PretrainOptions::default();
        options.data.table = Some(self.path("study/table.biom"));
        options.data.tree = Some(self.path("study/tree.nwk"));
        options.data.train_samples = Some(self.samples("train"));
        options.data.validation_samples = Some(self.samples("validation"));
        options.data.max_bp = Some(SEQUENCE_LENGTH);
        options.nucleotide_steps = 200;
        options.optimization.output_dir = Some(self.path("pretrained"));
        self.announce(
            "2. Pre-training: embeddings of ASVs and samples, without any metadata",
            &command_line("pretrain", &options),
        );
        let options = with_default_components(&super::job("pretrain")?, &options)?;
        pretrain::pretrain(&options, display)
    }

    fn train(&self, display: &mut dyn Observer) -> Result<Exit, Failure> {
        let mut options = TrainOptions {
            metadata: Some(self.path("study/metadata.tsv")),
            metadata_column: vec!["ph".to_owned()],
            pretrained_encoder: Some(self.path("pretrained/checkpoints/best")),
            ..TrainOptions::default()
        };
        options.data.table = Some(self.path("study/table.biom"));
        options.data.train_samples = Some(self.samples("train"));
        options.data.validation_samples = Some(self.samples("validation"));
        options.data.max_bp = Some(SEQUENCE_LENGTH);
        options.optimization.output_dir = Some(self.path("trained"));
        self.announce(
            "3. Training: the pH of a sample from its ASVs",
            &command_line("train", &options),
        );
        let options = with_default_components(&super::job("train")?, &options)?;
        train::train(&options, display)
    }

    fn predict(&self, display: &mut dyn Observer) -> Result<(), Failure> {
        let options = PredictOptions {
            model: Some(self.path("trained/checkpoints/best")),
            given: GivenTableOptions {
                table: Some(self.path("study/table.biom")),
                ..GivenTableOptions::default()
            },
            selection: SelectionOptions {
                samples: Some(self.samples("held-out")),
                ..SelectionOptions::default()
            },
            output: Some(self.path("predictions.tsv")),
            ..PredictOptions::default()
        };
        self.announce(
            "4. Prediction: samples that the model has never seen",
            &command_line("predict", &options),
        );
        Ok(aam_runtime::predict::predict(&options, display)?)
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, in_words(error)).at(&path.display().to_string())
}
