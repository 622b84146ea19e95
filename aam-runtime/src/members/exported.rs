//! Members and their combination in a graph of ONNX.

use aam_api::export::{ExportedFeatures, ExportedPrediction, Graph, Value};
use aam_api::{Kind, LearnerKind, PluginError};
use aam_data::Ids;

use super::fitted::FittedMembers;
use super::saved::SavedMembers;

/// The inputs of learners in a graph.
pub struct ExportedReads<'a> {
    /// Reads of samples, 32-bit numbers `[samples, asvs]`.
    pub reads: &'a Value,
    /// Names of these ASVs.
    pub asvs: &'a Ids,
    /// Ids of the samples in each categorical column, 64-bit integers `[samples, columns]`, if the model
    /// has any.
    pub categories: Option<&'a Value>,
}

impl FittedMembers {
    /// Adds the predictions of every learner to `graph`: for each learner, one per target.
    fn export(
        &self,
        graph: &mut Graph,
        input: &ExportedReads<'_>,
        numbers: &[bool],
    ) -> Result<Vec<Vec<ExportedPrediction>>, PluginError> {
        if self.learners.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.space.export(graph, input.reads, input.asvs.iter());
        let (shares, log_ratios) = found.ok_or_else(|| {
            let what = "be exported: clades of its ASVs overlap; train the model again";
            PluginError::cannot("the checkpoint", what)
        })?;
        let categories = input.categories.map(|ids| self.indicators(graph, ids));
        let features = ExportedFeatures::new(shares, log_ratios, categories);
        let learners = self.learners.iter().map(|member| {
            let targets = member.targets.iter().zip(numbers);
            let predicted = targets.map(|(target, &is_number)| {
                let values = target.export(graph, &features);
                let refused = || PluginError::not_exported(LearnerKind::NAME, member.name);
                let values = values.ok_or_else(refused)?;
                Ok(match is_number {
                    true => ExportedPrediction::number(values),
                    false => ExportedPrediction::Classes(values),
                })
            });
            predicted.collect::<Result<Vec<_>, PluginError>>()
        });
        learners.collect()
    }

    /// One-hot indicators of the known levels, `[samples, levels]`, of ids `[samples, columns]`.
    fn indicators(&self, graph: &mut Graph, ids: &Value) -> Value {
        let levels = self.categories.levels().into_iter().enumerate();
        let indicators = levels.map(|(column, levels)| {
            let ids = graph.columns(ids, column, column + 1);
            let ids = graph.reshape(&ids, &[-1]);
            let all = graph.one_hot(&ids, levels + 1);
            graph.columns(&all, 1, levels + 1)
        });
        let indicators: Vec<Value> = indicators.collect();
        graph.concat(&indicators, 1)
    }
}

impl SavedMembers {
    /// Adds the combined predictions of all members to `graph`, one per target, given those of the
    /// `network` if it is a member, and intervals and probabilities as [`SavedMembers::predict`] gives them:
    /// for each of the levels of the training, one prediction per target.
    ///
    /// # Errors
    /// A learner that cannot be exported.
    pub fn export(
        &self,
        graph: &mut Graph,
        input: &ExportedReads<'_>,
        network: Option<Vec<ExportedPrediction>>,
        numbers: &[bool],
    ) -> Result<Vec<(f64, Vec<ExportedPrediction>)>, PluginError> {
        let learners = self.members.export(graph, input, numbers)?;
        let members: Vec<_> = network.into_iter().chain(learners).collect();
        let together: Vec<ExportedPrediction> = (0..numbers.len())
            .map(|target| {
                let predicted = members.iter().map(|member| &member[target]);
                mean(graph, &predicted.collect::<Vec<_>>())
            })
            .collect();
        Ok(self.out_of_fold.export(graph, &together))
    }

    /// Whether what batches have in common is removed before the learners see samples.
    pub fn centres_batches(&self) -> bool {
        !self.members.usual.is_empty()
    }

    /// The ASVs that the learners know.
    pub fn asvs(&self) -> &[String] {
        self.members.space.asvs()
    }
}

/// The mean of predictions of the same target; that of one is itself.
fn mean(graph: &mut Graph, members: &[&ExportedPrediction]) -> ExportedPrediction {
    if let [only] = members {
        return (*only).clone();
    }
    let values = members.iter().map(|prediction| match prediction {
        ExportedPrediction::Number { value, .. } => value,
        ExportedPrediction::Classes(probabilities) => probabilities,
    });
    let values: Vec<&Value> = values.collect();
    let sum = graph.apply("Sum", &values, vec![]);
    let number = graph.scalar(values.len() as f64);
    let mean = graph.div(&sum, &number);
    match members.first() {
        Some(ExportedPrediction::Classes(_)) => ExportedPrediction::Classes(mean),
        _ => ExportedPrediction::number(mean),
    }
}
