//! The model, from the tokens of ASVs and their counts to sample embeddings, predicted UniFrac
//! distances and the values of all targets.
//!
//! ```text
//! tokens ─► asv-encoder ─► [unique, dim] ─┐ index, counts
//!              │                          ▼
//!     nucleotide logits            sample-encoder ─► view ─► fusion, head ─► values
//!                                         │
//!                                         ▼
//!                                  [batch, dim] ─► distances
//! ```
//!
//! The encoders are components, of which the built-in ones are defined here. The ASV encoder is a
//! transformer. The default sample encoder sums features of the ASVs, weighted by abundance, and
//! the predictor sees one profile per sample. The alternative, as in the reference, consists of
//! transformers over the ASVs of a sample; the predictor sees all ASVs, and the fusion is applied
//! before they are pooled.
//!
//! [`Base`] is the left and lower part, which is pre-trained; [`Predictor`] is the entire model.
//! Each distinct ASV of a batch is encoded once, in groups of equal length (see [`ModelInput`]),
//! and computed embeddings can be reused: [`Predictor::forward_asvs`].

mod abundance_pooling;
mod adapters;
mod asv_encoder;
pub mod attention;
mod attention_pooling;
mod attention_weights;
mod base;
pub mod batch;
mod category_embedder;
mod compatibility;
mod component;
mod composition;
mod config;
mod count_branch;
pub mod device;
mod error;
mod fused;
mod init;
mod input;
mod masking;
pub mod options;
mod output;
mod parameters;
mod predictor;
mod published_attention;
mod random_features;
mod readout;
mod sample_abundance;
mod sample_attention;
mod terms;
#[cfg(test)]
mod tests;
mod transformer;
mod unifrac_head;

pub use aam_api::{CountScale, MixedPrecision};
pub use abundance_pooling::{AbundancePooling, FeatureMoments, spread};
pub use asv_encoder::{AsvTransformer, AsvTransformerConfig};
pub use attention::AttnImplementation;
pub use attention::use_plain as use_plain_attention;
pub use attention_pooling::AttentionPooling;
pub use base::Base;
pub use category_embedder::CategoryEmbedder;
pub use compatibility::{Compatibility, Quirk};
pub use component::choose;
pub use config::{
    DistanceScale, LINEAGE_ENCODER, ModelConfig, Preset, SampleWays, TRAINED_ENCODER, TRAINED_WIDTH,
};
pub use count_branch::CountBranch;
pub use error::ModelError;
pub use init::{materialised, with_values_of};
pub use input::ModelInput;
pub use masking::{MaskStrategy, Masked, MaskingConfig};
pub use output::{Activation, OutputConfig, OutputStage};
pub use parameters::{parameter_counts, parameter_ids, parameters_by_depth};
pub use predictor::{
    ExportedInput, NotExported, Predictor, PredictorConfig, PredictorOutput, PredictorParts, Wants,
};
pub use published_attention::POOLING;
pub use readout::Readout;
pub use sample_abundance::{AbundanceConfig, AbundanceEncoder};
pub use sample_attention::{AttentionConfig, AttentionEncoder};
pub use terms::{count_loss, target_loss, unifrac_loss};
pub use transformer::{Transformer, TransformerConfig};
pub use unifrac_head::UnifracHead;
