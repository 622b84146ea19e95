//! A run in stages, each a type that owns what it found out and gives the next.
//!
//! A training goes from [`TrainingSettings`] (checked without any data) over [`TrainingSetup`]
//! (devices, the weights it starts from, sizes and length), [`MatchedStudy`] (files read and samples
//! matched) and [`DividedStudy`] (who is learnt from) to [`PreparedTraining`] (model and objective);
//! until there, whatever can be refused is refused. Then a directory is made, and the model
//! [fitted](FittedTraining) and judged. A pre-training has the same stages with other contents.
//! Commands compose them:
//!
//! | command | stages |
//! |---|---|
//! | `train` | all, or once for each fold |
//! | `lr-find` | all up to the directory; then updates whose weights are thrown away |
//! | memory measurement | the same without a directory |
//! | `compare`, `tune` | the study divided into folds, then all stages of `train` for each run |
//! | `rf-baseline` | the study divided into folds, then forests, judged as a model is |
//! | `pretrain` | all but the judgement |
//! | `predict` | begins with a checkpoint in place of settings and training |

mod division;
mod fitting;
mod preparation;
mod pretraining;
mod pretraining_fit;
mod pretraining_settings;
mod ready;
mod settings;
mod setup;
mod stand_in;
mod study;

pub use division::{DividedStudy, FoldedStudy, folded};
pub use fitting::FittedTraining;
pub use preparation::PreparedTraining;
pub use pretraining::{DividedPretraining, PreparedPretraining};
pub use pretraining_fit::fit_base;
pub use pretraining_settings::{PretrainingSettings, PretrainingSetup};
pub use settings::{TrainingSettings, check_data};
pub use setup::TrainingSetup;
pub use study::{MatchedSamples, MatchedStudy, division, unlabelled};
