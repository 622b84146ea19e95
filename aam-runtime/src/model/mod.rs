//! The model: from the tokens of ASVs and their counts to embeddings of samples, predicted UniFrac
//! distances and the values of every target.
//!
//! ```text
//! tokens ─► AsvEncoder ─► [unique, dim] ─┐ index, mask, counts
//!              │                          ▼
//!     nucleotide logits           SampleEncoder ─► [batch, asvs, dim] ─► fusion, transformer,
//!                                         │                              pooling, head ─► values
//!                                         ▼
//!                              transformer, pooling ─► [batch, dim] ─► distances
//! ```
//!
//! [`Base`] is the left and lower part, which pre-training learns; [`Predictor`] is the whole.
//! Each distinct ASV of a batch is encoded once, in groups of one length (see [`ModelInput`]), and
//! the steps can be entered half-way with what was computed before: [`Predictor::forward_asvs`],
//! [`Predictor::forward_base`].

mod asv_encoder;
mod base;
mod category_embedder;
mod config;
mod count_branch;
mod count_embedding;
mod dropout;
mod error;
mod init;
mod input;
mod masking;
mod output;
mod pooling;
mod predictor;
mod sample_encoder;
mod terms;
#[cfg(test)]
mod tests;
mod transformer;
mod unifrac_head;

pub use asv_encoder::{AsvEncoder, AsvOutput};
pub use base::Base;
pub use category_embedder::CategoryEmbedder;
pub use config::{Compatibility, CountEmbedding, CountScale, DistanceScale, ModelConfig, Preset};
pub use count_branch::CountBranch;
pub use error::ModelError;
pub use init::materialised;
pub use input::ModelInput;
pub use masking::{MaskStrategy, Masked, MaskingConfig};
pub use output::{Activation, OutputConfig, OutputStage};
pub use pooling::AttentionPooling;
pub use predictor::{Predictor, PredictorConfig, PredictorOutput, PredictorParts, Wants};
pub use sample_encoder::SampleEncoder;
pub use terms::{count_loss, nucleotide_accuracy, nucleotide_loss, target_loss, unifrac_loss};
pub use transformer::{Transformer, TransformerConfig};
pub use unifrac_head::UnifracHead;
