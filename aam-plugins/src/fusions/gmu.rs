//! A gate that determines how much of the categories enters a sample.

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::{
    Categories, FusedPooled, Fusion, FusionConfig, FusionContext, Logged, Observation, PluginError,
};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::xavier_linear;

/// Gated multimodal unit: a gate per dimension determines how much of the categories enters the
/// sample, `h' = h + z ⊙ tanh(c W_c + b_c)` with `z = σ([h ; c] W_z + b_z)`.
///
/// `h` `[dim]` is the embedding of the sample, after pooling; `c` `[width]` that of its categories;
/// `W_z` `[dim + width, dim]`, `W_c` `[width, dim]`. With `convex` the gate weighs one against the
/// other, as in Arevalo et al., *Gated multimodal units for information fusion*, ICLR workshop 2017:
/// `h' = z ⊙ tanh(h W_h + b_h) + (1 - z) ⊙ tanh(c W_c + b_c)`. The gate can be extracted (`gate`,
/// `[batch, 1, 1, dim]`), and a run reports its mean. Weights are initialised Xavier-uniform, biases with
/// zeros. Needs categorical columns.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct GmuFusionConfig {
    /// Weigh the sample against its categories instead of adding the categories to the sample.
    pub convex: bool,
}

/// The fusion that [`GmuFusionConfig`] builds.
#[derive(Module, Debug)]
pub struct GmuFusion {
    gate: Linear,
    category: Linear,
    sample: Option<Linear>,
}

impl FusionConfig for GmuFusionConfig {
    const NAME: &'static str = "gmu";
    type Fusion = GmuFusion;

    fn init(&self, context: &FusionContext, device: &Device) -> Result<GmuFusion, PluginError> {
        context.expect_categories(Self::NAME)?;
        let (dim, width) = (context.dim, context.categories.width());
        Ok(GmuFusion {
            gate: xavier_linear(dim + width, dim, device),
            category: xavier_linear(width, dim, device),
            sample: self.convex.then(|| xavier_linear(dim, dim, device)),
        })
    }
}

impl Fusion for GmuFusion {
    fn fuse_pooled(&self, pooled: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let Some(categories) = categories else {
            return FusedPooled::new(pooled, Vec::new());
        };
        let joined = categories.joined.clone();
        let both = Tensor::cat(vec![pooled.clone(), joined.clone()], 1);
        let gate = sigmoid(self.gate.forward(both));
        let category = tanh(self.category.forward(joined));
        let fused = match &self.sample {
            None => pooled + gate.clone() * category,
            Some(sample) => {
                let sample = tanh(sample.forward(pooled));
                category.clone() + gate.clone() * (sample - category)
            }
        };
        let [batch, dim] = gate.dims();
        FusedPooled::new(
            fused,
            vec![Observation::new(
                "gate",
                gate.reshape([batch, 1, 1, dim]),
                Logged::Mean,
            )],
        )
    }

    fn export_profile(
        &self,
        _: &mut Graph,
        profiles: &Value,
        _: Option<&ExportedCategories>,
    ) -> Option<Value> {
        Some(profiles.clone())
    }

    fn export_pooled(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        categories: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let Some(categories) = categories else {
            return Some(pooled.clone());
        };
        let both = graph.concat(&[pooled.clone(), categories.joined.clone()], 1);
        let gate = graph.linear(&both, &self.gate);
        let gate = graph.map("Sigmoid", &gate);
        let category = graph.linear(&categories.joined, &self.category);
        let category = graph.map("Tanh", &category);
        let (base, mixed) = match &self.sample {
            None => (pooled.clone(), category),
            Some(sample) => {
                let sample = graph.linear(pooled, sample);
                let sample = graph.map("Tanh", &sample);
                (category.clone(), graph.sub(&sample, &category))
            }
        };
        let gated = graph.mul(&gate, &mixed);
        Some(graph.add(&base, &gated))
    }
}

aam_api::register_fusion!(GmuFusionConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, categories, linear, matrix};

    /// Has the gate σ(1 + 2 · 3 + 0 + b) for a sample 1 with the categories 3 and 5.
    fn fusion(gate_bias: f32) -> GmuFusion {
        GmuFusion {
            gate: linear([[1.0], [2.0], [0.0]], [gate_bias]),
            category: linear([[0.0], [0.1]], [0.0]),
            sample: None,
        }
    }

    fn fuse(fusion: &GmuFusion) -> (Tensor<2>, Tensor<4>) {
        let mut fused = fusion.fuse_pooled(matrix([[1.0]]), Some(&categories(3.0, 5.0)));
        (fused.pooled, fused.observations.remove(0).values)
    }

    #[test]
    fn adds_the_gated_categories() {
        let (fused, gate) = fuse(&fusion(-7.0));
        assert_close(gate, &[0.5]);
        assert_close(fused, &[1.0 + 0.5 * 0.5f32.tanh()]);
        // σ(ln 3) = 3 / 4.
        let (fused, gate) = fuse(&fusion(3f32.ln() - 7.0));
        assert_close(gate, &[0.75]);
        assert_close(fused, &[1.0 + 0.75 * 0.5f32.tanh()]);
    }

    #[test]
    fn a_convex_gate_weighs_the_sample_against_the_categories() {
        let fusion = GmuFusion {
            sample: Some(linear([[2.0]], [0.0])),
            ..fusion(3f32.ln() - 7.0)
        };
        let (fused, _) = fuse(&fusion);
        assert_close(fused, &[0.75 * 2f32.tanh() + 0.25 * 0.5f32.tanh()]);
    }
}
