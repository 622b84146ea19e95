//! Pre-training and fine-tuning, from files to checkpoints.

mod assembly;
mod base_task;
pub mod encoding;
mod finetuning;
mod finetuning_study;
mod fitting;
pub mod inference;
pub mod metrics;
mod nucleotides;
pub mod objective;
pub mod observed;
pub mod optimizer;
mod output;
mod pace;
pub mod passes;
mod plan;
mod pretraining;
mod run_finetuning;
mod run_pretraining;
mod sample_categories;
mod sample_weights;
pub mod schedule;
mod session;
mod target_losses;
pub mod target_scales;
pub mod targets;
pub mod trainer;
pub mod transform;
pub mod upcoming;

pub(crate) use finetuning_study::{Divided, class_labels, divided, read_samples};
pub use run_finetuning::train;
pub(crate) use run_finetuning::train_fold;
pub use run_pretraining::pretrain;
pub(crate) use session::{check_values, config_text};
