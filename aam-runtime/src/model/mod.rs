//! The model: from the tokens of ASVs and their counts to embeddings of samples, predicted UniFrac
//! distances and the values of every target.
//!
//! ```text
//! tokens ─► AsvEncoder ─► [unique, dim] ─┐ index, counts
//!              │                          ▼
//!     nucleotide logits        AbundancePooling ─► [batch, features] ─► fusion, head ─► values
//!                                         │
//!                                         ▼
//!                                  [batch, dim] ─► distances
//! ```
//!
//! That is a model that pools by abundance. One that pools by attention, as the reference does,
//! has transformers over the ASVs of a sample in place of the sums ([`SampleAttention`]), and the
//! fusion acts on the ASVs before they are pooled.
//!
//! [`Base`] is the left and lower part, which pre-training learns; [`Predictor`] is the whole.
//! Each distinct ASV of a batch is encoded once, in groups of one length (see [`ModelInput`]), and
//! what was computed before can be used again: [`Predictor::forward_asvs`].

mod abundance_pooling;
mod adapters;
mod asv_encoder;
pub(crate) mod attention;
mod attention_pooling;
mod base;
mod category_embedder;
mod config;
mod count_branch;
mod count_embedding;
mod dropout;
mod error;
mod fused;
mod init;
mod input;
mod masking;
mod output;
mod parameters;
mod precision;
mod predictor;
mod sample_attention;
mod sample_embedding;
mod sample_encoder;
mod terms;
#[cfg(test)]
mod tests;
mod transformer;
mod unifrac_head;

pub use abundance_pooling::{AbundancePooling, FeatureMoments};
pub use asv_encoder::{AsvEncoder, AsvOutput};
pub use attention::AttnImplementation;
pub(crate) use attention::use_plain as use_plain_attention;
pub use attention_pooling::AttentionPooling;
pub use base::Base;
pub use category_embedder::CategoryEmbedder;
pub use config::{
    Compatibility, CountEmbedding, CountScale, DistanceScale, ModelConfig, Preset, Quirk,
    SamplePooling,
};
pub use count_branch::CountBranch;
pub use error::ModelError;

pub use fused::{Asv, FusedEncoder, FusedGradients, Guesses};
pub use init::{materialised, with_values_of};
pub use input::ModelInput;
pub use masking::{MaskStrategy, Masked, MaskingConfig};
pub use output::{Activation, OutputConfig, OutputStage};
pub use parameters::{parameter_ids, parameters_by_depth};
pub use precision::MixedPrecision;
pub use predictor::{Predictor, PredictorConfig, PredictorOutput, PredictorParts, Wants};
pub use sample_attention::SampleAttention;
pub use sample_encoder::SampleEncoder;
pub use terms::{count_loss, nucleotide_accuracy, nucleotide_loss, target_loss, unifrac_loss};
pub use transformer::{Transformer, TransformerConfig};
pub use unifrac_head::UnifracHead;
