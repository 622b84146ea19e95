//! What pre-training learns: embeddings of ASVs and samples, distances, nucleotides.

use aam_api::{
    BoxedAsvEncoder, BoxedSampleEncoder, FittingAsvs, MixedPrecision, NucleotideOutput,
    Recomputation, SampleAsvs, SampleView, ViewShape, nucleotide_predictor,
};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Int, Tensor};

use super::unifrac_head::UnifracHead;
use super::{ModelConfig, ModelError, ModelInput};

/// The pre-trained part of every model.
#[derive(Module, Debug)]
pub struct Base {
    asv_encoder: BoxedAsvEncoder,
    samples: BoxedSampleEncoder,
    unifrac: UnifracHead,
    values: Option<Linear>,
    dim: usize,
    #[module(skip)]
    precision: MixedPrecision,
}

impl Base {
    /// Builds the base.
    ///
    /// # Errors
    /// An option out of range, a component that is not linked, or what it refuses.
    pub fn init(config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        Ok(Self {
            asv_encoder: config.build_asv_encoder(device)?,
            samples: config.build_sample_encoder(device)?,
            unifrac: UnifracHead::new(config, device),
            values: readout(config, device),
            dim: config.dim,
            precision: MixedPrecision::None,
        })
    }

    /// Embeddings of all distinct ASVs of a batch, `[unique, dim]`, from their tokens in groups of
    /// one length.
    pub fn encode_asvs(&self, groups: &[Tensor<2, Int>]) -> Tensor<2> {
        let precision = self.embedding_precision();
        let mut embeddings: Vec<Tensor<2>> = groups
            .iter()
            .map(|tokens| self.asv_encoder.forward(tokens.clone(), precision))
            .collect();
        match embeddings.len() {
            1 => embeddings.remove(0),
            _ => Tensor::cat(embeddings, 0),
        }
    }

    /// Embeddings of ASVs of one length, and logits of the token at each place, from tokens
    /// `[unique, length]`.
    ///
    /// # Errors
    /// An encoder of ASVs that does not predict nucleotides.
    pub fn predict_nucleotides(
        &self,
        tokens: Tensor<2, Int>,
    ) -> Result<NucleotideOutput, ModelError> {
        let predictor = nucleotide_predictor(&self.asv_encoder)?;
        Ok(predictor.predict(tokens, self.precision))
    }

    /// The encoder of ASVs with its weights of now, for embeddings that samples are made of.
    pub fn embedding_encoder(&self, device: &Device) -> Recomputation<'_> {
        Recomputation::new(&self.asv_encoder, self.embedding_precision(), device)
    }

    /// The same for nucleotides.
    pub fn nucleotide_encoder(&self, device: &Device) -> Recomputation<'_> {
        Recomputation::new(&self.asv_encoder, self.precision, device)
    }

    /// What embeddings of ASVs are computed in. Whitening blows up what distinguishes them, and the
    /// rounding with it: pooled by abundance, predictions of one model in 8 bits and in 32 were up
    /// to a third of their spread apart.
    fn embedding_precision(&self) -> MixedPrecision {
        match self.samples.is_fitted() {
            true => MixedPrecision::None,
            false => self.precision,
        }
    }

    /// What a predictor sees of samples, from the embeddings `[unique, dim]` of the ASVs.
    pub fn view(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> SampleView {
        self.samples.view(asvs, samples, self.precision)
    }

    /// What sort of view that is.
    pub fn view_shape(&self) -> ViewShape {
        self.samples.view_shape()
    }

    /// Embeddings of the samples, `[batch, dim]`, from the embeddings `[unique, dim]` of the ASVs.
    pub fn embed_samples(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        self.samples.embed(asvs, samples, self.precision)
    }

    /// As [`embed_samples`](Self::embed_samples), where the [`view`](Self::view) is known already.
    pub fn embed_view(&self, view: SampleView, asvs: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        self.samples.embed_view(view, asvs, samples, self.precision)
    }

    /// Predicted UniFrac distances, `[batch, batch]`, zero on the diagonal, from
    /// [`Base::embed_samples`].
    pub fn distances(&self, samples: Tensor<2>) -> Tensor<2> {
        self.unifrac.forward(samples)
    }

    /// Values predicted for each sample, `[batch, sample_values]`.
    ///
    /// # Errors
    /// A model that was built to predict none.
    pub fn sample_values(&self, samples: Tensor<2>) -> Result<Tensor<2>, ModelError> {
        match &self.values {
            Some(values) => Ok(values.forward(samples)),
            None => Err(ModelError::option("sample-values", "at least 1", 0)),
        }
    }

    /// With a fresh readout of the values that `config` names, in place of any other.
    pub fn with_readout(mut self, config: &ModelConfig, device: &Device) -> Self {
        self.values = readout(config, device);
        self
    }

    /// Whether the sample encoder is to be fitted to the samples of the training:
    /// [`Base::fitted`].
    pub fn is_fitted_to_samples(&self) -> bool {
        self.samples.is_fitted()
    }

    /// With a sample encoder fitted to the ASVs whose embeddings are `asvs`, `[ASVs, dim]`, and to
    /// the samples of `batches`, each with the embeddings of its own ASVs. One that needs no fitting
    /// stays as it is.
    pub fn fitted(
        mut self,
        asvs: Tensor<2>,
        batches: impl Iterator<Item = (Tensor<2>, ModelInput)>,
    ) -> Self {
        let mut batches = batches.map(|(asvs, input)| (asvs, input.samples));
        let asvs = FittingAsvs::new(asvs, self.asv_encoder.typical_asvs());
        if let Some(samples) = self.samples.fitted(asvs, &mut batches) {
            self.samples = samples;
        }
        self
    }

    /// With distances between samples that start as large as the true ones: `samples`,
    /// `[batch, dim]`, are embeddings, `truth` the distances between them, one row after the other.
    /// Nothing changes where the scale of distances is not learnt.
    pub fn with_scale_of(mut self, samples: Tensor<2>, truth: &[f64]) -> Self {
        self.unifrac = self.unifrac.with_scale_of(samples, truth);
        self
    }

    /// With matrix products of the numbers of `precision`; parameters and everything else have 32
    /// bits, and so have embeddings of ASVs that a sample encoder was fitted to.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self { precision, ..self }
    }

    /// With an ASV encoder that does not learn.
    pub fn freeze_asv_encoder(mut self) -> Self {
        self.asv_encoder = self.asv_encoder.freeze();
        self
    }

    /// Width of the embeddings.
    pub fn dim(&self) -> usize {
        self.dim
    }
}

/// From the embedding of a sample to its values, where a model has any.
fn readout(config: &ModelConfig, device: &Device) -> Option<Linear> {
    let values = config.sample_values;
    (values > 0).then(|| LinearConfig::new(config.dim, values).init(device))
}
