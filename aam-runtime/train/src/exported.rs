//! A trained network as a graph of ONNX.

use aam_api::export::{Element, ExportedPrediction, Graph, Value};
use aam_api::{
    BoxedLoss, FusionKind, HeadKind, Kind, LossKind, PluginError, SampleEncoderKind, TransformKind,
};
use aam_model::{ExportedInput, NotExported};

use crate::checkpoint::manifest::{PredictorManifest, TargetManifest, TargetValues};
use crate::inference::FineTuned;

impl FineTuned {
    /// Adds the network's prediction of each target to `graph`, 64-bit numbers in the target's unit or
    /// probabilities. `parts` are those of its checkpoint, with the sample encoder `sample_encoder`.
    ///
    /// # Errors
    /// A component that cannot be exported.
    pub fn export(
        &self,
        graph: &mut Graph,
        input: ExportedInput<'_>,
        parts: &PredictorManifest,
        sample_encoder: &str,
    ) -> Result<Vec<ExportedPrediction>, PluginError> {
        let per_target = self.losses.iter().map(|loss| loss.outputs_per_target());
        let per_target = per_target.max().unwrap_or(1);
        let values = self.predictor.export(graph, input, per_target);
        let values = values.map_err(|NotExported(kind)| {
            let name = match kind {
                HeadKind::NAME => parts.head.name.as_str(),
                FusionKind::NAME => parts.fusion.name.as_str(),
                SampleEncoderKind::NAME => sample_encoder,
                other => other,
            };
            PluginError::not_exported(kind, name)
        })?;
        let targets = self.losses.iter().zip(&parts.targets).enumerate();
        let predictions = targets.map(|(place, (loss, target))| {
            let first = place * per_target;
            let own = graph.columns(&values, first, first + loss.outputs_per_target());
            prediction(graph, loss, target, &own)
        });
        predictions.collect()
    }
}

/// The prediction of a target, given its outputs, `[samples, outputs of its loss]`.
fn prediction(
    graph: &mut Graph,
    loss: &BoxedLoss,
    target: &TargetManifest,
    values: &Value,
) -> Result<ExportedPrediction, PluginError> {
    let predicted = loss.export(graph, values);
    let not_exported = || PluginError::not_exported(LossKind::NAME, &target.loss.name);
    match (predicted.ok_or_else(not_exported)?, &target.values) {
        (ExportedPrediction::Number { value, interval }, TargetValues::Numbers(transform)) => {
            let mut in_unit = |z: &Value| {
                let z = graph.cast(z, Element::Double);
                let y = transform.export_inverse(graph, &z);
                y.ok_or_else(|| PluginError::not_exported(TransformKind::NAME, transform.name()))
            };
            Ok(ExportedPrediction::Number {
                value: in_unit(&value)?,
                interval: match interval {
                    Some((low, high)) => Some((in_unit(&low)?, in_unit(&high)?)),
                    None => None,
                },
            })
        }
        (ExportedPrediction::Classes(probabilities), TargetValues::Classes(_)) => {
            let exact = graph.cast(&probabilities, Element::Double);
            Ok(ExportedPrediction::Classes(exact))
        }
        _ => Err(not_exported()),
    }
}
