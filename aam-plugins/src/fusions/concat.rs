//! Concatenates the categories with the embedding of every ASV.

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::{
    Categories, FusedAsvs, FusedPooled, Fusion, FusionConfig, FusionContext, PluginError,
};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::module::linear;
use burn::tensor::{Bool, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::xavier_linear;

/// Concatenates the categories with every ASV and projects back: `e'ₛ = [eₛ ; c] W + b`.
///
/// `eₛ` `[dim]` is the embedding of ASV `s`, `c` `[width]` that of the sample's categories,
/// `W` `[dim + width, dim]`. Weights are initialised Xavier-uniform, the bias with zeros. Needs
/// categorical columns.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConcatFusionConfig {}

/// The fusion that [`ConcatFusionConfig`] builds.
#[derive(Module, Debug)]
pub struct ConcatFusion {
    projection: Linear,
}

impl FusionConfig for ConcatFusionConfig {
    const NAME: &'static str = "concat";
    type Fusion = ConcatFusion;

    fn init(&self, context: &FusionContext, device: &Device) -> Result<ConcatFusion, PluginError> {
        context.expect_categories(Self::NAME)?;
        let width = context.dim + context.categories.width();
        Ok(ConcatFusion {
            projection: xavier_linear(width, context.dim, device),
        })
    }
}

impl Fusion for ConcatFusion {
    fn fuse_profile(&self, profiles: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let [batch, _] = profiles.dims();
        let present = Tensor::<2, Bool>::full([batch, 1], true, &profiles.device());
        let one_asv = profiles.unsqueeze_dim(1);
        self.fuse_asvs(one_asv, present, categories).of_one_asv()
    }

    fn export_profile(
        &self,
        graph: &mut Graph,
        profiles: &Value,
        categories: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let Some(categories) = categories else {
            return Some(profiles.clone());
        };
        let both = graph.concat(&[profiles.clone(), categories.joined.clone()], 1);
        Some(graph.linear(&both, &self.projection))
    }

    fn fuse_asvs(
        &self,
        asvs: Tensor<3>,
        _mask: Tensor<2, Bool>,
        categories: Option<&Categories>,
    ) -> FusedAsvs {
        let Some(categories) = categories else {
            return FusedAsvs::Asvs(asvs, Vec::new());
        };
        // The categories are the same for all ASVs of a sample, so their part of the product is computed
        // once per sample: [e ; c] W + b = e W_e + (c W_c + b).
        let weight = self.projection.weight.val();
        let [rows, dim] = weight.dims();
        let of_asvs = weight.clone().narrow(0, 0, dim);
        let of_categories = weight.narrow(0, dim, rows - dim);
        let bias = self.projection.bias.as_ref().map(|bias| bias.val());
        let shift = linear(categories.joined.clone(), of_categories, bias);
        let fused = linear(asvs, of_asvs, None) + shift.unsqueeze_dim::<3>(1);
        FusedAsvs::Asvs(fused, Vec::new())
    }
}

aam_api::register_fusion!(ConcatFusionConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, asvs, categories, linear, mask};

    #[test]
    fn projects_each_asv_together_with_the_categories() {
        let fusion = ConcatFusion {
            projection: linear([[1.0], [10.0], [100.0]], [0.5]),
        };
        let fused = fusion.fuse_asvs(
            asvs([[1.0], [2.0]]),
            mask([true, true]),
            Some(&categories(3.0, 4.0)),
        );
        let FusedAsvs::Asvs(fused, _) = fused else {
            panic!("it leaves pooling to the model");
        };
        assert_close(fused, &[431.5, 432.5]);
    }
}
