//! What a user can set for a search of settings.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_train::options::TrainOptions;

/// How the next settings are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SamplerKind {
    /// Where settings were good before (Bergstra et al., *Algorithms for hyper-parameter
    /// optimization*, 2011), after ten at random.
    #[default]
    Tpe,
    /// At random.
    Random,
}

/// Options of `aam tune`: those of `aam train`, which every run of it has.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TuneOptions {
    /// Training.
    #[serde(flatten)]
    pub train: TrainOptions,
    /// What is searched, between semicolons: a setting with a range (lr=1e-4..1e-2 log) or values
    /// (head=linear|mlp; head.hidden=64|64,32), or alone (head.dropout) where its type tells the
    /// values. Without it learning rate, weight decay and the options of the components chosen.
    pub search: Option<String>,
    /// Settings that are tried.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().because("an hour or less on a small study")
    )]
    pub trials: usize,
    /// How the next settings are chosen.
    #[schemars(transform = Facts::new()
        .because("no worse than at random, and better from a few dozen trials on"))]
    pub sampler: SamplerKind,
    /// Of the settings tried on a fold, one in so many is tried on the next (successive halving); 1
    /// tries all on all folds.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new()
            .because("few folds show the worse half, and most of the time goes to the better one")
    )]
    pub halving: usize,
}

impl Default for TuneOptions {
    fn default() -> Self {
        Self {
            train: TrainOptions::default(),
            search: None,
            trials: 20,
            sampler: SamplerKind::default(),
            halving: 2,
        }
    }
}
