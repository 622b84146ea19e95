use aam_api::{CountEmbedding, CountEmbeddingConfig, CountEmbeddingContext, PluginError, testing};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
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
    Detached,
    NotANumber,
}

/// Adds a linear map of the abundance.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyConfig {
    /// The fault.
    fault: Fault,
}

#[derive(Module, Debug)]
struct Faulty {
    layer: Linear,
    #[module(skip)]
    fault: Fault,
}

impl CountEmbeddingConfig for FaultyConfig {
    const NAME: &'static str = "faulty";
    type CountEmbedding = Faulty;

    fn init(
        &self,
        context: &CountEmbeddingContext,
        device: &Device,
    ) -> Result<Faulty, PluginError> {
        Ok(Faulty {
            layer: LinearConfig::new(1, context.dim).init(device),
            fault: self.fault,
        })
    }
}

impl CountEmbedding for Faulty {
    fn forward(&self, asvs: Tensor<3>, abundances: Tensor<3>) -> Tensor<3> {
        let embedded = self.layer.forward(abundances);
        match self.fault {
            Fault::None => asvs + embedded,
            Fault::WrongShape => Tensor::cat(vec![asvs, embedded], 2),
            Fault::MixedAsvs => asvs + embedded.clone() - embedded.mean_dim(1),
            Fault::Detached => asvs + embedded.detach(),
            Fault::NotANumber => asvs.log() + embedded,
        }
    }
}

#[test]
fn every_fault_is_named() {
    let says = |fault| verdict(move || testing::count_embedding(&FaultyConfig { fault }));
    check(
        says,
        &[
            (Fault::None, "conforms"),
            (
                Fault::WrongShape,
                "embeddings have the shape [3, 4, 32], expected [batch, asvs, dim]",
            ),
            (Fault::MixedAsvs, "ASV 0 among others and alone"),
            (
                Fault::Detached,
                "the gradient of parameter layer.weight is 0.000000",
            ),
            (Fault::NotANumber, "outputs hold NaN"),
        ],
    );
}
