//! No fusion.

use aam_api::options::Facts;
use aam_api::{Fusion, FusionConfig, FusionContext, PluginError};
use burn::module::Module;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Leaves the embeddings unchanged: `e' = e`.
///
/// The categories, if the run has any, do not reach the samples' embeddings; a head may still use
/// them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(transform = Facts::new()
    .because("with categories, concat: the simplest fusion that uses them"))]
pub struct NoFusionConfig {}

/// The fusion that [`NoFusionConfig`] builds.
#[derive(Module, Debug)]
pub struct NoFusion;

impl FusionConfig for NoFusionConfig {
    const NAME: &'static str = "none";
    type Fusion = NoFusion;

    fn init(&self, _context: &FusionContext, _device: &Device) -> Result<NoFusion, PluginError> {
        Ok(NoFusion)
    }
}

impl Fusion for NoFusion {
    fn changes_nothing(&self) -> bool {
        true
    }
}

aam_api::register_fusion!(NoFusionConfig);

#[cfg(test)]
mod tests {
    use aam_api::FusedAsvs;

    use super::*;
    use crate::known::{assert_close, asvs, categories, mask, matrix};

    #[test]
    fn changes_nothing() {
        let categories = categories(1.0, 2.0);
        let asvs = asvs([[1.0, 2.0], [3.0, 4.0]]);
        let fused = NoFusion.fuse_asvs(asvs, mask([true, false]), Some(&categories));
        let FusedAsvs::Asvs(fused, _) = fused else {
            panic!("it leaves pooling to the model");
        };
        assert_close(fused, &[1.0, 2.0, 3.0, 4.0]);
        let pooled = NoFusion.fuse_pooled(matrix([[5.0, 6.0]]), Some(&categories));
        assert_close(pooled.pooled, &[5.0, 6.0]);
    }
}
