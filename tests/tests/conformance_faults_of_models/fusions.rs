use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::{Categories, FusedPooled, Fusion, FusionConfig, FusionContext, PluginError, testing};
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
    ExportedInPart,
}

/// Adds a linear map of the categories after pooling.
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

impl FusionConfig for FaultyConfig {
    const NAME: &'static str = "faulty";
    type Fusion = Faulty;

    fn init(&self, context: &FusionContext, device: &Device) -> Result<Faulty, PluginError> {
        context.expect_categories(Self::NAME)?;
        Ok(Faulty {
            layer: LinearConfig::new(context.categories.width(), context.dim).init(device),
            fault: self.fault,
        })
    }
}

impl Fusion for Faulty {
    fn fuse_pooled(&self, pooled: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let fused = match categories {
            Some(categories) => pooled + self.layer.forward(categories.joined.clone()),
            None => pooled,
        };
        FusedPooled::new(fused, Vec::new())
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
        match categories.filter(|_| self.fault == Fault::None) {
            Some(categories) => {
                let shift = graph.linear(&categories.joined, &self.layer);
                Some(graph.add(pooled, &shift))
            }
            None => Some(pooled.clone()),
        }
    }
}

#[test]
fn every_fault_is_named() {
    let says = |fault| verdict(move || testing::fusion(&FaultyConfig { fault }));
    check(
        says,
        &[
            (Fault::None, "conforms"),
            (
                Fault::ExportedInPart,
                "export_pooled leaves out what fuse_pooled does",
            ),
        ],
    );
}
