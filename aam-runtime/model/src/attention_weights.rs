//! The attention weights of a model.

use aam_api::{Kind, Observation, SampleEncoderKind};
use burn::tensor::Tensor;

use super::published_attention::from_part;
use super::{ModelInput, Predictor, Wants};

impl Predictor {
    /// The attention weights behind the predictions for `input`, from the ASV embeddings
    /// `[unique, dim]`, each with the part of the model that it comes from: [`POOLING`](super::POOLING), or the kind
    /// of a component.
    pub fn attention(&self, asvs: Tensor<2>, input: &ModelInput) -> Vec<Observation> {
        let seen = self.base.attention(asvs.clone(), &input.samples);
        let mut all: Vec<Observation> = from_part(SampleEncoderKind::NAME, seen).collect();
        let output = self.forward_asvs(asvs, input, Wants::default());
        all.extend(output.observations);
        all.retain(|seen| seen.attention.is_some());
        all
    }
}
