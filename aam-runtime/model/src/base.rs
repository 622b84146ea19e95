//! The part of the model that is pre-trained: embeddings of ASVs and samples, distances, and
//! nucleotides.

use aam_api::export::{Graph, Value};
use aam_api::{
    BoxedAsvEncoder, BoxedSampleEncoder, FittingAsvs, MixedPrecision, NucleotideOutput,
    Observation, Recomputation, SampleAsvs, SampleView, SampleViewer, ViewShape,
    nucleotide_predictor,
};
use burn::module::{Module, ModuleVisitor, Param};
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
    more_distances: Vec<UnifracHead>,
    values: Option<Linear>,
    dim: usize,
    #[module(skip)]
    precision: MixedPrecision,
}

impl Base {
    /// Builds the base.
    ///
    /// # Errors
    /// An option out of range, a component that is not linked, or an error of a component.
    pub fn init(config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        Ok(Self {
            asv_encoder: config.build_asv_encoder(device)?,
            samples: config.build_sample_encoder(device)?,
            unifrac: UnifracHead::new(config, device),
            more_distances: more_distances(config, device),
            values: readout(config, device),
            dim: config.dim,
            precision: MixedPrecision::None,
        })
    }

    /// The embeddings of all distinct ASVs of a batch, `[unique, dim]`, from tokens grouped by
    /// length.
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

    /// The embeddings of ASVs of equal length, and the token logits at each position, from tokens
    /// `[unique, length]`.
    ///
    /// # Errors
    /// An ASV encoder that does not predict nucleotides.
    pub fn predict_nucleotides(
        &self,
        tokens: Tensor<2, Int>,
    ) -> Result<NucleotideOutput, ModelError> {
        let predictor = nucleotide_predictor(&self.asv_encoder)?;
        Ok(predictor.predict(tokens, self.precision))
    }

    /// The ASV encoder with its current weights, for embeddings from which sample embeddings are
    /// computed.
    pub fn embedding_encoder(&self, device: &Device) -> Recomputation<'_> {
        Recomputation::new(&self.asv_encoder, self.embedding_precision(), device)
    }

    /// The ASV encoder with its current weights, for nucleotides.
    pub fn nucleotide_encoder(&self, device: &Device) -> Recomputation<'_> {
        Recomputation::new(&self.asv_encoder, self.precision, device)
    }

    /// The values of the parameters of the ASV encoder, in the order in which Burn visits them.
    pub fn asv_encoder_weights(&self) -> Vec<Vec<f32>> {
        struct Values(Vec<Vec<f32>>);
        impl ModuleVisitor for Values {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                self.0.push(param.val().into_data().iter::<f32>().collect());
            }
        }
        let mut values = Values(Vec::new());
        self.asv_encoder.visit(&mut values);
        values.0
    }

    /// The precision of ASV embeddings. Whitening amplifies the differences between them, including
    /// rounding errors: with abundance pooling, predictions of the same model in 8 and in 32 bits
    /// differed by up to a third of their standard deviation.
    pub fn embedding_precision(&self) -> MixedPrecision {
        match self.samples.is_fitted() {
            true => MixedPrecision::None,
            false => self.precision,
        }
    }

    /// What a predictor sees of samples, from the ASV embeddings `[unique, dim]`.
    pub fn view(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> SampleView {
        self.samples.view(asvs, samples, self.precision)
    }

    /// The same for any number of samples with ASVs of the embeddings `asvs`, `[ASVs, dim]`, faster, if the
    /// sample encoder supports it.
    pub fn viewer(&self, asvs: Tensor<2>) -> Option<SampleViewer> {
        self.samples.viewer(asvs)
    }

    /// Adds [`view`](Self::view) to `graph`, if the sample encoder can be exported and gives profiles,
    /// from the embeddings `[asvs, dim]` of all ASVs and the reads of samples, `[samples, asvs]`.
    pub(crate) fn export(
        &self,
        graph: &mut Graph,
        asvs: Tensor<2>,
        reads: &Value,
    ) -> Option<Value> {
        self.samples.export(graph, asvs, reads)
    }

    /// The attention weights that the sample encoder publishes for the same input.
    pub fn attention(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> Vec<Observation> {
        self.samples.attention(asvs, samples, self.precision)
    }

    /// The shape of that view.
    pub fn view_shape(&self) -> ViewShape {
        self.samples.view_shape()
    }

    /// The sample embeddings, `[batch, dim]`, from the ASV embeddings `[unique, dim]`.
    pub fn embed_samples(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        self.samples.embed(asvs, samples, self.precision)
    }

    /// As [`embed_samples`](Self::embed_samples), if the [`view`](Self::view) is already known.
    pub fn embed_view(&self, view: SampleView, asvs: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        self.samples.embed_view(view, asvs, samples, self.precision)
    }

    /// The predicted distances of the kind with number `kind`, `[batch, batch]`, zero on the diagonal,
    /// from [`Base::embed_samples`]. Kinds differ in the scale of the distances between embeddings.
    ///
    /// # Errors
    /// A model without distances of this kind.
    pub fn distances(&self, kind: usize, samples: Tensor<2>) -> Result<Tensor<2>, ModelError> {
        let mut heads = std::iter::once(&self.unifrac).chain(&self.more_distances);
        let known = 1 + self.more_distances.len();
        match heads.nth(kind) {
            Some(head) => Ok(head.forward(samples)),
            None => Err(ModelError::option(
                "sample-distances",
                format!("at least {}", kind + 1),
                known,
            )),
        }
    }

    /// The predicted values of each sample, `[batch, sample_values]`.
    ///
    /// # Errors
    /// A model without sample values.
    pub fn sample_values(&self, samples: Tensor<2>) -> Result<Tensor<2>, ModelError> {
        match &self.values {
            Some(values) => Ok(values.forward(samples)),
            None => Err(ModelError::option("sample-values", "at least 1", 0)),
        }
    }

    /// Replaces the readout by a new one for the values in `config`.
    pub fn with_readout(mut self, config: &ModelConfig, device: &Device) -> Self {
        self.values = readout(config, device);
        self
    }

    /// Adds what predicts the kinds of distance in `config` that this base lacks.
    pub fn with_distances(mut self, config: &ModelConfig, device: &Device) -> Self {
        let known = self.more_distances.len();
        let all = more_distances(config, device).into_iter();
        self.more_distances.extend(all.skip(known));
        self
    }

    /// Whether the sample encoder has to be fitted to the training samples with [`Base::fitted`].
    pub fn is_fitted_to_samples(&self) -> bool {
        self.samples.is_fitted()
    }

    /// Fits the sample encoder to the ASVs with embeddings `asvs`, `[ASVs, dim]`, and to the
    /// samples of `batches`, each with the embeddings of its own ASVs. Does nothing if no fitting
    /// is required.
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

    /// Scales the predicted distances of the kind with number `kind` so that they are initially as
    /// large as the true ones. `samples`, `[batch, dim]`, are embeddings, `truth` the distances between
    /// them in row-major order. Does nothing if the scale of distances is not learned.
    pub fn with_scale_of(mut self, kind: usize, samples: Tensor<2>, truth: &[f64]) -> Self {
        let head = match kind.checked_sub(1) {
            None => Some(&mut self.unifrac),
            Some(more) => self.more_distances.get_mut(more),
        };
        if let Some(head) = head {
            *head = head.clone().with_scale_of(samples, truth);
        }
        self
    }

    /// Sets the precision of matrix products. Parameters and all other operations are 32-bit, as are
    /// the ASV embeddings to which a sample encoder was fitted.
    pub fn with_precision(self, precision: MixedPrecision) -> Self {
        Self { precision, ..self }
    }

    /// Freezes the ASV encoder.
    pub fn freeze_asv_encoder(mut self) -> Self {
        self.asv_encoder = self.asv_encoder.freeze();
        self
    }

    /// The width of the embeddings.
    pub fn dim(&self) -> usize {
        self.dim
    }
}

/// What predicts each kind of distance after the first.
fn more_distances(config: &ModelConfig, device: &Device) -> Vec<UnifracHead> {
    let more = 1..config.sample_distances;
    more.map(|_| UnifracHead::new(config, device)).collect()
}

/// The linear map from a sample embedding to its values, if the model has any.
fn readout(config: &ModelConfig, device: &Device) -> Option<Linear> {
    let values = config.sample_values;
    (values > 0).then(|| LinearConfig::new(config.dim, values).init(device))
}
