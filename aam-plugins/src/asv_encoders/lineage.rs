//! Embeddings of features by their place in a tree or taxonomy.

use aam_api::{
    AsvEncoder, AsvEncoderConfig, AsvEncoderContext, AsvEncoderKind, MixedPrecision, PluginError,
};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values of the higher byte of a number, relative to the lower one.
const HIGH: f64 = 256.0;
/// The code of zero, and the steps per unit, as written by `aam_data::Kinship`.
const ZERO: f64 = 32768.0;
const STEPS: f64 = 8192.0;

/// A linear map of a feature's place in a tree or taxonomy, at first the identity: `e = W x`.
///
/// For features without sequences, such as OTUs, genomes or genera, and the encoder of such tables by
/// default. `x` is the sum over the branches between the feature and the root of `√length · v`, where `v`
/// holds random signs that depend on the branch alone, divided by `√dim`: squared distances are lengths of
/// paths (a random projection; Achlioptas, *Database-friendly random projections*, JCSS 2003). The tree is
/// that of `--tree`, or that of the ranks in `--taxonomy` or in the ids. Features of which nothing is known
/// are equally far from all others.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct LineageConfig {}

/// The encoder that [`LineageConfig`] builds.
#[derive(Module, Debug)]
pub struct LineageEncoder {
    output: Linear,
}

impl AsvEncoderConfig for LineageConfig {
    const NAME: &'static str = "lineage";
    type AsvEncoder = LineageEncoder;

    fn init(
        &self,
        context: &AsvEncoderContext,
        device: &Device,
    ) -> Result<LineageEncoder, PluginError> {
        Ok(LineageEncoder {
            output: Linear {
                weight: Param::from_tensor(Tensor::eye(context.sizes.dim, device)),
                bias: None,
            },
        })
    }
}

impl AsvEncoder for LineageEncoder {
    fn forward(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> Tensor<2> {
        let [dim, _] = self.output.weight.dims();
        precision.linear(&self.output, numbers(tokens, dim))
    }
}

/// The numbers in `tokens` after the start token, `[ASVs, dim]`, each of which has two bytes; zeros where
/// there are fewer.
fn numbers(tokens: Tensor<2, Int>, dim: usize) -> Tensor<2> {
    let [asvs, length] = tokens.dims();
    let device = tokens.device();
    let held = (length.saturating_sub(1) / 2).min(dim);
    let zeros = || Tensor::zeros([asvs, dim - held], &device);
    if held == 0 {
        return zeros();
    }
    let bytes = tokens.slice([0..asvs, 1..1 + 2 * held]).float();
    let bytes = bytes.reshape([asvs, held, 2]);
    let byte = |place: usize| {
        let byte = bytes.clone().slice([0..asvs, 0..held, place..place + 1]);
        byte.reshape([asvs, held])
    };
    let numbers = (byte(0) * HIGH + byte(1) - ZERO) / STEPS;
    match held == dim {
        true => numbers,
        false => Tensor::cat(vec![numbers, zeros()], 1),
    }
}

aam_api::register!(AsvEncoderKind, LineageConfig);

#[cfg(test)]
mod tests {
    use aam_api::ModelSizes;
    use aam_api::tokens::START;
    use burn::tensor::TensorData;

    use super::*;
    use crate::known::device;

    #[test]
    fn two_bytes_encode_a_number_and_missing_ones_are_zero() {
        let context = AsvEncoderContext::new(ModelSizes::new(4), 5);
        let encoder = LineageConfig::default().init(&context, &device()).unwrap();
        let embedded = |tokens: Vec<i32>, length: usize| -> Vec<f32> {
            let shape = [tokens.len() / length, length];
            let tokens = Tensor::from_data(TensorData::new(tokens, shape), &device());
            let embedded = encoder.forward(tokens, MixedPrecision::None);
            assert_eq!(embedded.dims(), [shape[0], 4]);
            embedded.into_data().iter::<f32>().collect()
        };
        let start = i32::from(START);
        let two = vec![start, 128, 0, 160, 0, start, 127, 255, 0, 0];
        let step = 1.0 / 8192.0;
        assert_eq!(
            embedded(two, 5),
            [0.0, 1.0, 0.0, 0.0, -step, -4.0, 0.0, 0.0]
        );
        assert_eq!(embedded(vec![start], 1), [0.0; 4]);
    }
}
