//! Components for `aam` in a crate of their own: a head, an ASV encoder ([`kmer`]), a
//! pre-training objective ([`shannon`]), an optimizer ([`adamax`]), a [metric], a learner
//! ([`neighbours`]) and a target transform ([`asinh`]).
//!
//! A file is all there is to a component. This one holds the options of the head
//! ([`CosineHeadConfig`]), its module ([`CosineHead`]) and one line that registers it. `src/main.rs`
//! is `aam` with the components linked in:
//!
//! ```text
//! cargo run --release -- plugins describe head cosine
//! cargo run --release -- train --head cosine --head.scale 5 …
//! ```
//!
//! [`adamax`] is an optimizer, which any run of the program can choose as well.

pub mod adamax;
pub mod asinh;
pub mod kmer;
pub mod metric;
pub mod neighbours;
pub mod shannon;

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::{Head, HeadConfig, HeadContext, HeadInput, HeadOutput, PluginError};
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Scaled cosine similarity to a learned prototype of each output: `y_o = s_o cos(x, p_o) + b_o`.
///
/// `x` `[dim]` is a sample's embedding, `p_o` `[dim]` the prototype of output `o`, `s_o` and `b_o`
/// its scale and offset. Only the direction of an embedding counts, so that outputs stay within
/// `b_o ± s_o`. Gidaris and Komodakis, *Dynamic few-shot visual learning without forgetting*,
/// CVPR 2018.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CosineHeadConfig {
    /// What every scale starts from, above 0.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub scale: f64,
}

impl Default for CosineHeadConfig {
    fn default() -> Self {
        Self { scale: 3.0 }
    }
}

/// The head that [`CosineHeadConfig`] builds.
#[derive(Module, Debug)]
pub struct CosineHead {
    prototypes: Param<Tensor<2>>,
    scale: Param<Tensor<1>>,
    offset: Param<Tensor<1>>,
    outputs_per_target: usize,
}

impl HeadConfig for CosineHeadConfig {
    const NAME: &'static str = "cosine";
    type Head = CosineHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<CosineHead, PluginError> {
        let (dim, outputs) = (context.dim, context.outputs());
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Ok(CosineHead {
            prototypes: normal.init([dim, outputs], device),
            scale: Initializer::Constant { value: self.scale }.init([outputs], device),
            offset: Initializer::Zeros.init([outputs], device),
            outputs_per_target: context.outputs_per_target,
        })
    }
}

/// Divides by the length along the axis `axis`.
fn unit(tensor: Tensor<2>, axis: usize) -> Tensor<2> {
    let squares = tensor.clone() * tensor.clone();
    tensor / squares.sum_dim(axis).add_scalar(1e-12).sqrt()
}

impl Head for CosineHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        let cosine = unit(input.pooled, 1).matmul(unit(self.prototypes.val(), 0));
        let scaled = cosine * self.scale.val().unsqueeze() + self.offset.val().unsqueeze();
        HeadOutput::from_columns(scaled, self.outputs_per_target)
    }

    // Optional: what `aam export` writes.
    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        _: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let squares = graph.mul(pooled, pooled);
        let square = graph.sum_of_rows(&squares);
        let least = graph.scalar(1e-12f32);
        let square = graph.add(&square, &least);
        let length = graph.map("Sqrt", &square);
        let direction = graph.div(pooled, &length);
        let prototypes = graph.tensor(&unit(self.prototypes.val(), 0));
        let cosine = graph.matmul(&direction, &prototypes);
        let scale = graph.tensor(&self.scale.val());
        let offset = graph.tensor(&self.offset.val());
        let scaled = graph.mul(&cosine, &scale);
        Some(graph.add(&scaled, &offset))
    }
}

aam_api::register_head!(CosineHeadConfig);
