//! Predictors as graphs of ONNX.

use aam_api::export::{Graph, Value};
use aam_api::{FusionKind, HeadKind, Kind, SampleEncoderKind, ViewShape};
use burn::tensor::Tensor;

use super::Predictor;

/// The kind of a component that cannot be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotExported(pub &'static str);

const SAMPLE_ENCODER: NotExported = NotExported(SampleEncoderKind::NAME);
const FUSION: NotExported = NotExported(FusionKind::NAME);
const HEAD: NotExported = NotExported(HeadKind::NAME);

/// The inputs of a predictor in a graph.
#[derive(Clone, Debug)]
pub struct ExportedInput<'a> {
    /// Embeddings of all ASVs that samples may have, `[asvs, dim]`.
    pub asvs: Tensor<2>,
    /// Reads of samples, `[samples, asvs]`.
    pub reads: &'a Value,
    /// Ids of the samples in each categorical column, 64-bit integers `[samples, columns]`, if the model
    /// has any.
    pub categories: Option<&'a Value>,
}

impl Predictor {
    /// Adds [`forward_asvs`](Self::forward_asvs) to `graph`, to values
    /// `[samples, targets * outputs per target]`.
    ///
    /// # Errors
    /// A component that cannot be exported.
    pub fn export(
        &self,
        graph: &mut Graph,
        input: ExportedInput<'_>,
        outputs_per_target: usize,
    ) -> Result<Value, NotExported> {
        let ids = input.categories;
        let embedder = self.categories.as_ref();
        let categories = embedder.zip(ids);
        let categories = categories.map(|(embedder, ids)| embedder.export(graph, ids));
        let categories = categories.as_ref();
        let profiles = match self.base.view_shape() {
            ViewShape::Profiles { .. } => self.base.export(graph, input.asvs, input.reads),
            ViewShape::Asvs => None,
        };
        let profiles = profiles.ok_or(SAMPLE_ENCODER)?;
        let narrowed = match &self.narrowing {
            Some(layer) => graph.linear(&profiles, layer),
            None => profiles.clone(),
        };
        let fused = self.fusion.export_profile(graph, &narrowed, categories);
        let fused = fused.ok_or(FUSION)?;
        let normed = match &self.norm {
            Some(norm) => graph.layer_norm(&fused, norm),
            None => fused,
        };
        let pooled = self.fusion.export_pooled(graph, &normed, categories);
        let pooled = pooled.ok_or(FUSION)?;
        let mut values = self.head.export(graph, &pooled, categories).ok_or(HEAD)?;
        if let Some(readout) = &self.readout {
            let read_out = readout.export(graph, &profiles);
            values = graph.add(&values, &read_out);
        }
        Ok(match &self.output {
            Some(stage) => stage.export(graph, &values, ids, outputs_per_target),
            None => values,
        })
    }
}
