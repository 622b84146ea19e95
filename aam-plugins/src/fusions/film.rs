//! Scales and shifts the embedding of every ASV depending on the categories.

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::{
    Categories, FusedAsvs, FusedPooled, Fusion, FusionConfig, FusionContext, PluginError,
};
use burn::module::Module;
use burn::tensor::{Bool, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::Modulation;

/// Feature-wise linear modulation: the categories scale and shift every ASV, `e'ₛ = γ ⊙ eₛ + β`.
///
/// `γ = c W_γ + b_γ` and `β = c W_β + b_β`, both `[dim]`, where `c` `[width]` is the embedding of the
/// sample's categories and `eₛ` `[dim]` that of ASV `s`. Perez et al., *FiLM: Visual reasoning with a
/// general conditioning layer*, AAAI 2018. `W_γ`, `W_β` and `b_β` are initialised with zeros and `b_γ`
/// with ones, so that initially nothing changes. Needs categorical columns.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct FilmFusionConfig {}

/// The fusion that [`FilmFusionConfig`] builds.
#[derive(Module, Debug)]
pub struct FilmFusion {
    modulation: Modulation,
}

impl FusionConfig for FilmFusionConfig {
    const NAME: &'static str = "film";
    type Fusion = FilmFusion;

    fn init(&self, context: &FusionContext, device: &Device) -> Result<FilmFusion, PluginError> {
        context.expect_categories(Self::NAME)?;
        Ok(FilmFusion {
            modulation: Modulation::identity(context.categories.width(), context.dim, device),
        })
    }
}

impl Fusion for FilmFusion {
    fn fuse_profile(&self, profiles: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let fused = match categories {
            Some(categories) => {
                let (scale, shift) = self.modulation.forward(categories.joined.clone());
                profiles * scale + shift
            }
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
        Some(self.modulation.export(graph, profiles, &categories.joined))
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
        let (scale, shift) = self.modulation.forward(categories.joined.clone());
        let fused = asvs * scale.unsqueeze_dim::<3>(1) + shift.unsqueeze_dim::<3>(1);
        FusedAsvs::Asvs(fused, Vec::new())
    }
}

aam_api::register_fusion!(FilmFusionConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, asvs, categories, device, linear, mask, schema};

    fn fuse(fusion: &FilmFusion) -> Tensor<3> {
        let asvs = asvs([[1.0, 2.0], [3.0, 4.0]]);
        match fusion.fuse_asvs(asvs, mask([true, true]), Some(&categories(3.0, 5.0))) {
            FusedAsvs::Asvs(fused, _) => fused,
            FusedAsvs::Pooled(..) => panic!("it leaves pooling to the model"),
        }
    }

    #[test]
    fn initially_changes_nothing() {
        let context = FusionContext::new(2).with_categories(schema());
        let fusion = FilmFusionConfig {}
            .init(&context, &device())
            .expect("it has categories");
        assert_close(fuse(&fusion), &[1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn scales_and_shifts_by_the_categories() {
        let fusion = FilmFusion {
            modulation: Modulation {
                scale: linear([[1.0, 0.0], [0.0, -1.0]], [1.0, 1.0]),
                shift: linear([[0.0, 10.0], [1.0, 0.0]], [0.5, 0.0]),
            },
        };
        // Scales [4, -4], shifts [5.5, 30].
        assert_close(fuse(&fusion), &[9.5, 22.0, 17.5, 14.0]);
    }
}
