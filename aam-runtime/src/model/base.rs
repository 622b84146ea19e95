//! What pre-training learns: embeddings of ASVs and samples, distances, nucleotides.

use burn::module::{Initializer, Module};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};

use super::abundance_pooling::{AbundancePooling, FeatureMoments, WEIGHTINGS};
use super::asv_encoder::{AsvEncoder, AsvOutput};
use super::fused::{FusedEncoder, FusedGradients};
use super::sample_attention::SampleAttention;
use super::unifrac_head::UnifracHead;
use super::{MixedPrecision, ModelConfig, ModelError, ModelInput, SamplePooling};

/// The pre-trained part of every model.
#[derive(Module, Debug)]
pub struct Base {
    asv_encoder: AsvEncoder,
    samples: SampleBranch,
    unifrac: UnifracHead,
    values: Option<Linear>,
    dim: usize,
}

/// From ASVs to samples: exactly one of the two ways.
#[derive(Module, Debug)]
struct SampleBranch {
    attention: Option<SampleAttention>,
    abundance: Option<AbundanceBranch>,
}

/// The profile of a sample, and its projection into the space of distances.
#[derive(Module, Debug)]
struct AbundanceBranch {
    pooling: AbundancePooling,
    project: Linear,
    #[module(skip)]
    precision: MixedPrecision,
}

impl AbundanceBranch {
    fn new(config: &ModelConfig, device: &Device) -> Self {
        // A profile is about 1 long, and so is its projection then.
        let std = 1.0 / (config.dim as f64).sqrt();
        let initializer = Initializer::Normal { mean: 0.0, std };
        Self {
            pooling: AbundancePooling::new(config, device),
            project: LinearConfig::new(WEIGHTINGS * config.profile_features, config.dim)
                .with_bias(false)
                .with_initializer(initializer)
                .init(device),
            precision: MixedPrecision::None,
        }
    }
}

impl Base {
    /// Builds the base.
    ///
    /// # Errors
    /// An option out of range.
    pub fn init(config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let by = |pooling: SamplePooling| config.pooling == pooling;
        Ok(Self {
            asv_encoder: AsvEncoder::new(config, device),
            samples: SampleBranch {
                attention: by(SamplePooling::Attention)
                    .then(|| SampleAttention::new(config, device)),
                abundance: by(SamplePooling::Abundance)
                    .then(|| AbundanceBranch::new(config, device)),
            },
            unifrac: UnifracHead::new(config, device),
            values: readout(config, device),
            dim: config.dim,
        })
    }

    /// Embeddings of all distinct ASVs of a batch, `[unique, dim]`, from their tokens in groups of
    /// one length.
    pub fn encode_asvs(&self, groups: &[Tensor<2, Int>]) -> Tensor<2> {
        let mut embeddings: Vec<Tensor<2>> = groups
            .iter()
            .map(|tokens| self.encode_to_embed(tokens.clone()).embeddings)
            .collect();
        match embeddings.len() {
            1 => embeddings.remove(0),
            _ => Tensor::cat(embeddings, 0),
        }
    }

    /// Embeddings of ASVs of one length, and of their positions, from tokens `[unique, length]`.
    pub fn encode_tokens(&self, tokens: Tensor<2, Int>) -> AsvOutput {
        self.asv_encoder.forward(tokens)
    }

    /// As [`encode_tokens`](Self::encode_tokens), for embeddings that samples are made of.
    pub fn encode_to_embed(&self, tokens: Tensor<2, Int>) -> AsvOutput {
        let precision = self.embedding_precision();
        self.asv_encoder.forward_in(precision, tokens)
    }

    /// The encoder of ASVs with its weights of now, for their embeddings, computed without Burn,
    /// where `device` and model allow that.
    pub fn fused_encoder(&self, device: &Device) -> Option<FusedEncoder> {
        FusedEncoder::new(&self.asv_encoder, self.embedding_precision(), device)
    }

    /// The same for nucleotides.
    pub fn fused_guesser(&self, device: &Device) -> Option<FusedEncoder> {
        FusedEncoder::new(&self.asv_encoder, self.asv_encoder.precision(), device)
    }

    /// What embeddings of ASVs are computed in. Whitening blows up what distinguishes them, and the
    /// rounding with it: pooled by abundance, predictions of one model in 8 bits and in 32 were up
    /// to a third of their spread apart.
    fn embedding_precision(&self) -> MixedPrecision {
        match self.samples.abundance {
            Some(_) => MixedPrecision::None,
            None => self.asv_encoder.precision(),
        }
    }

    /// The gradients of [`fused_encoder`](Self::fused_encoder) by parameter.
    pub(crate) fn fused_gradients(&self, gradients: &FusedGradients) -> GradientsParams {
        gradients.of_parameters(&self.asv_encoder)
    }

    /// Logits of the token at each position, `[unique, length, vocabulary]`, from
    /// [`AsvOutput::positions`].
    pub fn nucleotide_logits(&self, positions: Tensor<3>) -> Tensor<3> {
        self.asv_encoder.nucleotide_logits(positions)
    }

    /// The transformers over the ASVs of a sample, of a base that pools by attention.
    pub fn attention(&self) -> Option<&SampleAttention> {
        self.samples.attention.as_ref()
    }

    /// The profiles of samples, `[batch, weightings × features]`, from the embeddings
    /// `[unique, dim]` of the ASVs, of a base that pools by abundance.
    pub(crate) fn profiles(
        &self,
        asvs: Tensor<2>,
        input: &ModelInput,
        weightings: usize,
    ) -> Option<Tensor<2>> {
        let branch = self.samples.abundance.as_ref()?;
        Some(branch.pooling.forward(asvs, input, weightings))
    }

    /// Embeddings of the samples, `[batch, dim]`, from the embeddings `[unique, dim]` of the ASVs;
    /// `input.groups` is not looked at.
    pub fn embed_samples(&self, asvs: Tensor<2>, input: &ModelInput) -> Tensor<2> {
        match (&self.samples.abundance, &self.samples.attention) {
            (Some(branch), _) => {
                let profiles = branch.pooling.forward(asvs, input, WEIGHTINGS);
                branch.precision.linear(&branch.project, profiles)
            }
            (None, Some(attention)) => {
                attention.pool(attention.contextual(asvs, input), input.mask.clone())
            }
            (None, None) => unreachable!("a base has one of the two"),
        }
    }

    /// Predicted UniFrac distances, `[batch, batch]`, zero on the diagonal, from
    /// [`Base::embed_samples`].
    pub fn distances(&self, samples: Tensor<2>) -> Tensor<2> {
        self.unifrac.forward(samples)
    }

    /// Values predicted for each sample, `[batch, sample_values]`, of a model that has any.
    pub fn sample_values(&self, samples: Tensor<2>) -> Option<Tensor<2>> {
        self.values.as_ref().map(|values| values.forward(samples))
    }

    /// With a fresh readout of the values that `config` names, in place of any other.
    pub fn with_readout(mut self, config: &ModelConfig, device: &Device) -> Self {
        self.values = readout(config, device);
        self
    }

    /// Whether samples are pooled by abundance, which is to be fitted to the samples of the
    /// training: [`Base::fitted`].
    pub fn is_fitted_to_samples(&self) -> bool {
        self.samples.abundance.is_some()
    }

    /// With profiles whitened over the ASVs whose embeddings are `asvs`, `[ASVs, dim]`, and
    /// standardised over the samples of `batches`, each with the embeddings of its own ASVs. A base
    /// that pools by attention has no need of it.
    pub fn fitted(
        mut self,
        asvs: Tensor<2>,
        batches: impl Iterator<Item = (Tensor<2>, ModelInput)>,
    ) -> Self {
        self.samples.abundance = self.samples.abundance.map(|branch| {
            let pooling = branch.pooling.whitened(asvs);
            let mut moments = FeatureMoments::default();
            for (asvs, input) in batches {
                moments.add(pooling.sums(asvs, &input, WEIGHTINGS));
            }
            AbundanceBranch {
                pooling: pooling.standardised(&moments),
                ..branch
            }
        });
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
    /// bits, and so has all that comes before a pooling by abundance.
    pub fn with_precision(mut self, precision: MixedPrecision) -> Self {
        self.asv_encoder = self.asv_encoder.with_precision(precision);
        let SampleBranch {
            attention,
            abundance,
        } = self.samples;
        self.samples = SampleBranch {
            attention: attention.map(|attention| attention.with_precision(precision)),
            abundance: abundance.map(|branch| AbundanceBranch {
                precision,
                ..branch
            }),
        };
        self
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
