//! The graph of a trained model: from the reads of known ASVs to predictions.

use aam_api::PluginError;
use aam_api::export::{Axis, Element, ExportedPrediction, Graph, Value};
use aam_data::{AsvSampling, Ids};
use aam_model::ExportedInput;
use aam_train::checkpoint::manifest::TargetManifest;
use burn::tensor::Tensor;

use super::categories;
use super::limit::limited;
use crate::loaded_predictor::LoadedPredictor;
use crate::members::ExportedReads;

/// The input of reads.
pub const COUNTS: &str = "counts";
/// The input of levels of categorical columns.
pub const CATEGORIES: &str = "categories";
/// The output of a number.
pub const PREDICTION: &str = "prediction";
/// The output of the probabilities of classes.
pub const PROBABILITIES: &str = "probabilities";
/// The output of the lower end of an interval.
pub const LOWER: &str = "lower";
/// The output of the upper end of an interval.
pub const UPPER: &str = "upper";

/// A model as a graph.
pub struct ExportedModel {
    /// The graph.
    pub graph: Graph,
    /// The intervals of each target.
    pub intervals: Vec<Vec<ExportedInterval>>,
}

/// The interval of a number.
pub struct ExportedInterval {
    /// The probability with which it contains the true value, if held-out samples define it.
    pub level: Option<f64>,
    /// The output of its lower end.
    pub lower: String,
    /// The output of its upper end.
    pub upper: String,
}

/// The predictions of all targets with the intervals of a level, if held-out samples define it.
type AtLevel = (Option<f64>, Vec<ExportedPrediction>);

impl ExportedModel {
    /// The graph of `predictor` for reads of the ASVs called `asvs`, which have the `embeddings`,
    /// `[asvs, dim]`.
    ///
    /// # Errors
    /// A component that cannot be exported.
    pub fn new(
        predictor: &LoadedPredictor,
        asvs: &Ids,
        embeddings: Tensor<2>,
    ) -> Result<Self, PluginError> {
        let mut graph = Graph::new();
        let inputs = Inputs::add(&mut graph, predictor, asvs.len());
        let is_member = predictor.members.as_ref();
        let is_member = is_member.is_none_or(|members| members.has_network());
        let network = match is_member {
            true => Some(network(&mut graph, predictor, &inputs, embeddings)?),
            false => None,
        };
        let at_levels: Vec<AtLevel> = match (&predictor.members, network) {
            (Some(members), network) => {
                let input = ExportedReads {
                    reads: &inputs.counts,
                    asvs,
                    categories: inputs.categories.as_ref(),
                };
                let found = members.export(&mut graph, &input, network, &predictor.numbers())?;
                let found = found.into_iter();
                found.map(|(level, all)| (Some(level), all)).collect()
            }
            (None, network) => vec![(None, network.unwrap_or_default())],
        };
        let targets = predictor.parts.targets.iter().enumerate();
        let several = predictor.parts.targets.len() > 1;
        let intervals = targets.map(|(place, target)| {
            let levels = at_levels.iter();
            let levels = levels.filter_map(|(level, all)| Some((*level, all.get(place)?)));
            outputs(&mut graph, target, several, levels)
        });
        let intervals = intervals.collect();
        Ok(Self { graph, intervals })
    }
}

/// The inputs of a model.
struct Inputs {
    counts: Value,
    /// Ids of the samples in each categorical column, `[samples, columns]`.
    categories: Option<Value>,
}

impl Inputs {
    fn add(graph: &mut Graph, predictor: &LoadedPredictor, asvs: usize) -> Self {
        let shape = [Axis::Samples, Axis::Fixed(asvs)];
        let counts = graph.input(
            COUNTS,
            Element::Float,
            &shape,
            "reads of each ASV in each sample, in the order of model.json",
        );
        let vocabulary = &predictor.parts.categories;
        let columns = vocabulary.columns.len();
        let categories = (columns > 0).then(|| {
            let levels = graph.input(
                CATEGORIES,
                Element::Text,
                &[Axis::Samples, Axis::Fixed(columns)],
                "level of each sample in each categorical column of model.json, empty if missing",
            );
            categories::ids(graph, &levels, vocabulary)
        });
        Self { counts, categories }
    }
}

fn network(
    graph: &mut Graph,
    predictor: &LoadedPredictor,
    inputs: &Inputs,
    embeddings: Tensor<2>,
) -> Result<Vec<ExportedPrediction>, PluginError> {
    let policy = &predictor.policy;
    let [asvs, _] = embeddings.dims();
    let is_random = policy.asv_sampling == AsvSampling::Random;
    if asvs > policy.token_limit && is_random {
        let what = format!(
            "be exported for {asvs} ASVs: it draws {} of those of a sample at random (--asv-sampling); name a --table with at most that many",
            policy.token_limit
        );
        return Err(PluginError::cannot("the network", what));
    }
    let reads = limited(graph, &inputs.counts, asvs, policy);
    let input = ExportedInput {
        asvs: embeddings,
        reads: &reads,
        categories: inputs.categories.as_ref(),
    };
    let sample_encoder = &predictor.sample_encoder.name;
    let model = &predictor.model;
    model.export(graph, input, &predictor.parts, sample_encoder)
}

/// Adds the outputs of a target; those at further levels differ only in intervals.
fn outputs<'a>(
    graph: &mut Graph,
    target: &TargetManifest,
    several: bool,
    levels: impl Iterator<Item = (Option<f64>, &'a ExportedPrediction)>,
) -> Vec<ExportedInterval> {
    let named = |name: &str| named(name, &target.column, several);
    let add = |graph: &mut Graph, value: &Value, name: String, width: usize, what: &str| {
        let value = graph.cast(value, Element::Float);
        let shape = [Axis::Samples, Axis::Fixed(width)];
        let what = format!("{what} '{}'", target.column);
        graph.output(&value, &name, Element::Float, &shape, &what);
    };
    let mut intervals = Vec::new();
    for (place, (level, prediction)) in levels.enumerate() {
        match prediction {
            ExportedPrediction::Classes(probabilities) if place == 0 => {
                let classes = target.values.classes().map_or(0, <[String]>::len);
                let name = named(PROBABILITIES);
                let what = "probability of each class of";
                add(graph, probabilities, name, classes, what);
            }
            ExportedPrediction::Classes(_) => {}
            ExportedPrediction::Number { value, interval } => {
                if place == 0 {
                    add(graph, value, named(PREDICTION), 1, "value of");
                }
                if let Some((low, high)) = interval {
                    let ending = match level.filter(|_| place > 0) {
                        Some(level) => format!("_{level}"),
                        None => String::new(),
                    };
                    let [lower, upper] = [LOWER, UPPER].map(|end| named(&format!("{end}{ending}")));
                    add(graph, low, lower.clone(), 1, "lower end of the interval of");
                    add(
                        graph,
                        high,
                        upper.clone(),
                        1,
                        "upper end of the interval of",
                    );
                    intervals.push(ExportedInterval {
                        level,
                        lower,
                        upper,
                    });
                }
            }
        }
    }
    intervals
}

/// The name of an output of a target, as in tables of predictions.
pub fn named(output: &str, target: &str, several: bool) -> String {
    match several {
        true => format!("{output} {target}"),
        false => output.to_owned(),
    }
}
