//! The stages of a run. Each is a type that owns its results and creates the next stage.
//!
//! A training run starts with [`TrainingSettings`] (validated without data) and continues with
//! [`TrainingSetup`] (devices, initial weights, sizes and length), [`MatchedStudy`] (files read and
//! samples matched), [`DividedStudy`] (training and validation samples) and [`PreparedTraining`]
//! (model and objective). All errors that can be detected in advance are raised up to this point.
//! Then a directory is made, and the model is [fitted](FittedTraining) and evaluated. Pre-training
//! has the same stages with other contents. Commands compose the stages:
//!
//! | command | stages |
//! |---|---|
//! | `train` | all, or once for each fold |
//! | `lr-find` | all up to the directory; then updates whose weights are discarded |
//! | memory measurement | all of `train` or `pretrain` up to the directory; then updates on all ranks |
//! | `compare`, `tune` | the study divided into folds, then all stages of `train` for each run |
//! | `rf-baseline` | the study divided into folds, then forests, evaluated like a model |
//! | `pretrain` | all but the evaluation |
//! | `predict` | starts from a checkpoint instead of settings and training |

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
mod trial;
mod unseen_asvs;

pub use division::{DividedStudy, FoldedStudy, folded};
pub use fitting::FittedTraining;
pub use preparation::PreparedTraining;
pub use pretraining::{DividedPretraining, PreparedPretraining};
pub use pretraining_fit::{fit_base, measure_base};
pub use pretraining_settings::{PretrainingSettings, PretrainingSetup};
pub use settings::{TrainingSettings, check_data};
pub use setup::TrainingSetup;
pub use study::{MatchedSamples, MatchedStudy, division, unlabelled};
pub use trial::Trial;
pub use unseen_asvs::warn_of_unseen_asvs;
