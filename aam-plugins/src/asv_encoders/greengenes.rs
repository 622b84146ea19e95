//! The ASV encoder trained on the genes of Greengenes.

use aam_api::{AsvEncoderConfig, AsvEncoderContext, AsvEncoderKind, Kind, PluginError};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use safetensors::{Dtype, SafeTensors};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kmer::{KmerEncoder, Kmers};

/// The output of `aam train-encoder`: parameters, `rotation` and `typical`.
static WEIGHTS: &[u8] = include_bytes!("../../weights/greengenes.safetensors");

/// K-mer encoder with weights learned from the 16S genes of Greengenes 13_8.
///
/// Reads of one organism lie close together whatever their region and strand, taxa lie apart, and
/// distances follow the tree. It suits every study of 16S reads, so no pre-training is needed, and an ASV
/// has the same embedding in all studies. Embeddings narrower than its 128 numbers are projections onto
/// the directions in which reads differ most. McDonald et al., *An improved Greengenes taxonomy*, ISME J
/// 2012; see `docs/encoder.md` for how it was trained and how well it performs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct GreengenesConfig {}

impl AsvEncoderConfig for GreengenesConfig {
    const NAME: &'static str = "greengenes";
    type AsvEncoder = KmerEncoder;

    fn init(
        &self,
        context: &AsvEncoderContext,
        device: &Device,
    ) -> Result<KmerEncoder, PluginError> {
        let weights = Weights::read()?;
        let dim = context.sizes.dim;
        let rotation: Tensor<2> = weights.tensor("rotation", device)?;
        let [widest, _] = rotation.dims();
        if dim > widest {
            let component = format!("{} '{}'", AsvEncoderKind::NAME, Self::NAME);
            let problem = format!(
                "make embeddings {dim} wide, because it has only {widest} numbers per ASV; \
                 give --embedding-dim {widest} or less, or --asv-encoder transformer"
            );
            return Err(PluginError::cannot(component, problem));
        }
        let rotation = rotation.slice([0..widest, 0..dim]);
        let rotated = |x: Tensor<2>| x.matmul(rotation.clone());
        let bias = weights.tensor::<1>("output.bias", device)?.unsqueeze_dim(0);
        let typical = rotated(weights.tensor("typical", device)?);
        let length = typical.clone().square().sum_dim(1).clamp_min(1e-12).sqrt();
        Ok(KmerEncoder {
            input: weights.linear("input", device)?,
            hidden: weights.linear("hidden", device)?,
            output: Linear {
                weight: Param::from_tensor(rotated(weights.matrix("output.weight", device)?)),
                bias: Some(Param::from_tensor(rotated(bias).reshape([dim]))),
            },
            typical: Some(Param::from_tensor(typical / length).set_require_grad(false)),
            kmers: Kmers::new(6),
        })
    }
}

/// The tensors of [`WEIGHTS`].
struct Weights(SafeTensors<'static>);

impl Weights {
    fn read() -> Result<Self, PluginError> {
        SafeTensors::deserialize(WEIGHTS)
            .map(Self)
            .map_err(|error| broken(&error))
    }

    fn tensor<const D: usize>(
        &self,
        name: &str,
        device: &Device,
    ) -> Result<Tensor<D>, PluginError> {
        let view = self.0.tensor(name).map_err(|error| broken(&error))?;
        let (data, shape) = (view.data(), view.shape().to_vec());
        let numbers: Vec<f32> = match (view.dtype(), shape.len() == D) {
            (Dtype::I8, true) => data.iter().map(|&byte| f32::from(byte as i8)).collect(),
            (Dtype::F16, true) => {
                let numbers = data.chunks_exact(2);
                let numbers = numbers.map(|two| f16::from_le_bytes([two[0], two[1]]).to_f32());
                numbers.collect()
            }
            (Dtype::F32, true) => {
                let numbers = data.chunks_exact(4);
                let numbers = numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                numbers.collect()
            }
            _ => return Err(broken(&name)),
        };
        Ok(Tensor::from_data(TensorData::new(numbers, shape), device))
    }

    /// A matrix of parameters, stored as numbers of steps and the step of each column.
    fn matrix(&self, name: &str, device: &Device) -> Result<Tensor<2>, PluginError> {
        let step: Tensor<1> = self.tensor(&format!("{name}.step"), device)?;
        Ok(self.tensor::<2>(name, device)? * step.unsqueeze_dim(0))
    }

    fn linear(&self, name: &str, device: &Device) -> Result<Linear, PluginError> {
        let part = |part: &str| format!("{name}.{part}");
        Ok(Linear {
            weight: Param::from_tensor(self.matrix(&part("weight"), device)?),
            bias: Some(Param::from_tensor(self.tensor(&part("bias"), device)?)),
        })
    }
}

fn broken(what: &dyn std::fmt::Display) -> PluginError {
    let component = format!("{} '{}'", AsvEncoderKind::NAME, GreengenesConfig::NAME);
    PluginError::cannot(component, format!("read its built-in weights: {what}"))
}

aam_api::register!(AsvEncoderKind, GreengenesConfig);
