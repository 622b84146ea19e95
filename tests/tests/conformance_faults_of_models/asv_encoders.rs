use aam_api::{
    Asv, AsvEncoder, AsvEncoderConfig, AsvEncoderContext, Guesses, MixedPrecision,
    NucleotideOutput, NucleotidePredictor, PluginError, RecomputingEncoder, testing,
};
use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{check, verdict};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    None,
    WrongShape,
    MixedAsvs,
    UnusedParameter,
    OtherEmbeddings,
    LongerGradient,
    OtherLoss,
    DropoutOfItsOwn,
}

/// The mean of the tokens' vectors.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyConfig {
    /// The fault.
    fault: Fault,
    /// Dropout probability.
    dropout: f64,
}

#[derive(Module, Debug)]
struct Faulty {
    tokens: Embedding,
    nucleotides: Linear,
    unused: Option<Param<Tensor<1>>>,
    dropout: burn::nn::Dropout,
    #[module(skip)]
    fault: Fault,
}

impl AsvEncoderConfig for FaultyConfig {
    const NAME: &'static str = "faulty";
    type AsvEncoder = Faulty;

    fn init(&self, context: &AsvEncoderContext, device: &Device) -> Result<Faulty, PluginError> {
        let dim = context.sizes.dim;
        let ones = burn::nn::Initializer::Ones;
        Ok(Faulty {
            tokens: EmbeddingConfig::new(context.vocabulary, dim).init(device),
            nucleotides: LinearConfig::new(dim, context.vocabulary).init(device),
            unused: (self.fault == Fault::UnusedParameter).then(|| ones.init([3], device)),
            dropout: burn::nn::DropoutConfig::new(self.dropout).init(),
            fault: self.fault,
        })
    }
}

impl Faulty {
    fn places(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let places = self.tokens.forward(tokens);
        match self.fault {
            Fault::DropoutOfItsOwn if self.dropout.prob > 0.0 && places.device().is_autodiff() => {
                // From a counter that no seed resets.
                use std::sync::atomic::{AtomicU64, Ordering};
                static DRAWN: AtomicU64 = AtomicU64::new(0);
                places * (1.0 + DRAWN.fetch_add(1, Ordering::Relaxed) as f64)
            }
            _ => self.dropout.forward(places),
        }
    }

    fn pooled(&self, places: Tensor<3>) -> Tensor<2> {
        let [asvs, _, dim] = places.dims();
        let pooled = places.mean_dim(1).reshape([asvs, dim]);
        match self.fault {
            Fault::WrongShape => Tensor::cat(vec![pooled.clone(), pooled], 1),
            Fault::MixedAsvs => pooled.clone() - pooled.mean_dim(0),
            _ => pooled,
        }
    }
}

impl AsvEncoder for Faulty {
    fn forward(&self, tokens: Tensor<2, Int>, _precision: MixedPrecision) -> Tensor<2> {
        self.pooled(self.places(tokens))
    }

    fn nucleotide_predictor(&self) -> Option<&dyn NucleotidePredictor> {
        Some(self)
    }

    fn recomputing(
        &self,
        precision: MixedPrecision,
        device: &Device,
    ) -> Option<Box<dyn RecomputingEncoder + '_>> {
        let own = [Fault::LongerGradient, Fault::OtherLoss].contains(&self.fault);
        let way = || Box::new(OwnWay(self, precision, device.clone())) as _;
        own.then(way)
    }
}

impl NucleotidePredictor for Faulty {
    fn predict(&self, tokens: Tensor<2, Int>, _precision: MixedPrecision) -> NucleotideOutput {
        let places = self.places(tokens);
        let embeddings = self.pooled(places.clone());
        NucleotideOutput {
            embeddings: match self.fault {
                Fault::OtherEmbeddings => embeddings * 2.0,
                _ => embeddings,
            },
            logits: self.nucleotides.forward(places),
        }
    }
}

/// Another implementation with the same results, except for the fault.
struct OwnWay<'a>(&'a Faulty, MixedPrecision, Device);

impl OwnWay<'_> {
    fn one(tokens: &[u8], device: &Device) -> Tensor<2, Int> {
        let chunk = aam_api::AsvChunk {
            tokens: tokens.to_vec(),
            length: tokens.len(),
        };
        chunk.tensor(device)
    }
}

impl RecomputingEncoder for OwnWay<'_> {
    fn embed(&self, asvs: &[&[u8]], _seed: u64) -> Vec<f32> {
        let Self(encoder, precision, device) = self;
        let embed = |tokens: &&[u8]| {
            let embedding = encoder.forward(Self::one(tokens, device), *precision);
            embedding.into_data().iter::<f32>().collect::<Vec<_>>()
        };
        asvs.iter().flat_map(embed).collect()
    }

    fn learn(
        &self,
        asvs: &[Asv<'_>],
        nucleotide_weight: f64,
        _seed: u64,
    ) -> (GradientsParams, Guesses) {
        let Self(encoder, precision, device) = self;
        let mut guesses = Guesses::default();
        let mut total = Tensor::<1>::zeros([1], device);
        for asv in asvs {
            let output = encoder.predict(Self::one(asv.tokens, device), *precision);
            if let Some(gradient) = asv.gradient {
                let at = Tensor::<1>::from_floats(gradient, device).unsqueeze();
                let factor = if encoder.fault == Fault::LongerGradient {
                    1.1
                } else {
                    1.0
                };
                total = total + (output.embeddings * at).sum() * factor;
            }
            if let Some((truth, masked)) = asv.masked {
                let masked: Vec<bool> = masked.to_vec();
                let shape = [1, masked.len()];
                let masked = burn::tensor::TensorData::new(masked, shape);
                let selected = Tensor::from_data(masked, device);
                let (loss, _) =
                    aam_api::nucleotide_loss(output.logits, Self::one(truth, device), selected);
                guesses.loss += f64::from(loss.clone().into_scalar::<f32>());
                total = total + loss * nucleotide_weight;
            }
        }
        if encoder.fault == Fault::OtherLoss {
            guesses.loss *= 2.0;
        }
        let gradients = match device.is_autodiff() {
            true => GradientsParams::from_grads(total.backward(), *encoder),
            false => GradientsParams::new(),
        };
        (gradients, guesses)
    }
}

#[test]
fn every_fault_is_named() {
    let says = |fault| {
        verdict(move || {
            testing::asv_encoder(&FaultyConfig {
                fault,
                ..FaultyConfig::default()
            });
        })
    };
    check(
        says,
        &[
            (Fault::None, "conforms"),
            (
                Fault::WrongShape,
                "embeddings have the shape [5, 32], expected [ASVs, dim]",
            ),
            (Fault::MixedAsvs, "ASV 0 among others and alone"),
            (
                Fault::UnusedParameter,
                "no gradient reaches the parameter unused",
            ),
            (
                Fault::OtherEmbeddings,
                "the embeddings with and without predicted nucleotides",
            ),
            (
                Fault::LongerGradient,
                "gradients of the whole, and of chunks by the encoder's own method",
            ),
            (
                Fault::OtherLoss,
                "losses of masked nucleotides through graphs and by the encoder's own",
            ),
            (Fault::DropoutOfItsOwn, "with the same seed"),
        ],
    );
}
