//! Options of a hyperparameter search.

use aam_api::options::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_train::options::TrainOptions;

/// How the next trial's settings are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SamplerKind {
    /// Tree-structured Parzen estimator (Bergstra et al., *Algorithms for hyper-parameter
    /// optimization*, 2011), after ten random trials.
    #[default]
    Tpe,
    /// Random search.
    Random,
}

/// Options of `aam tune`: those of `aam train`, used by each of its runs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct TuneOptions {
    /// Training options.
    #[serde(flatten)]
    pub train: TrainOptions,
    /// Search space, separated by semicolons: a setting with a range (lr=1e-4..1e-2 log) or values
    /// (head=linear|mlp; head.hidden=64|64,32), or a setting alone (head.dropout) if its type
    /// defines the values. Default: learning rate, weight decay and the options of the head,
    /// fusion and loss.
    pub search: Option<String>,
    /// Number of trials.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new().because("an hour or less on a small study")
    )]
    pub trials: usize,
    /// How the next trial's settings are chosen.
    #[schemars(transform = Facts::new()
        .because("no worse than random search, and better after a few dozen trials"))]
    pub sampler: SamplerKind,
    /// Reduction factor of successive halving: of the settings tried on a fold, one in this many is
    /// tried on the next. 1 tries all settings on all folds.
    #[schemars(
        range(min = 1, max = 1_000_000),
        transform = Facts::new()
            .because("a few folds identify the worse half, and most of the time is spent on the better one")
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
