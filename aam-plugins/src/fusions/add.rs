//! Adds the categories to the embedding of every ASV.

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::{
    Categories, FusedAsvs, FusedPooled, Fusion, FusionConfig, FusionContext, PluginError,
};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Bool, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::xavier_linear;

/// Adds the categories to every ASV: `e'ₛ = eₛ + c W + b`.
///
/// `eₛ` `[dim]` is the embedding of ASV `s`, `c` `[width]` that of the sample's categories,
/// `W` `[width, dim]`. All ASVs of a sample are shifted by the same vector, as tokens are by their
/// segment in Devlin et al., *BERT*, NAACL 2019. Weights are initialised Xavier-uniform, the bias with
/// zeros. Needs categorical columns.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AddFusionConfig {}

/// The fusion that [`AddFusionConfig`] builds.
#[derive(Module, Debug)]
pub struct AddFusion {
    projection: Linear,
}

impl FusionConfig for AddFusionConfig {
    const NAME: &'static str = "add";
    type Fusion = AddFusion;

    fn init(&self, context: &FusionContext, device: &Device) -> Result<AddFusion, PluginError> {
        context.expect_categories(Self::NAME)?;
        Ok(AddFusion {
            projection: xavier_linear(context.categories.width(), context.dim, device),
        })
    }
}

impl Fusion for AddFusion {
    fn fuse_profile(&self, profiles: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let fused = match categories {
            Some(categories) => profiles + self.projection.forward(categories.joined.clone()),
            None => profiles,
        };
        FusedPooled::new(fused, Vec::new())
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
        let shift = graph.linear(&categories.joined, &self.projection);
        Some(graph.add(profiles, &shift))
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
        let shift = self.projection.forward(categories.joined.clone());
        FusedAsvs::Asvs(asvs + shift.unsqueeze_dim::<3>(1), Vec::new())
    }
}

aam_api::register_fusion!(AddFusionConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, asvs, categories, linear, mask};

    #[test]
    fn shifts_all_asvs_of_a_sample_equally() {
        let fusion = AddFusion {
            projection: linear([[1.0, 10.0], [100.0, 1000.0]], [0.5, -0.5]),
        };
        let fused = fusion.fuse_asvs(
            asvs([[1.0, 2.0], [3.0, 4.0]]),
            mask([true, true]),
            Some(&categories(3.0, 4.0)),
        );
        let FusedAsvs::Asvs(fused, _) = fused else {
            panic!("it leaves pooling to the model");
        };
        // The categories give [3 + 400 + 0.5, 30 + 4000 - 0.5].
        assert_close(fused, &[404.5, 4031.5, 406.5, 4033.5]);
    }
}
