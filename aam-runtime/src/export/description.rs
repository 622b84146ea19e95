//! `model.json`: what an exported model reads and what it returns.

use aam_train::checkpoint::manifest::{TargetManifest, TargetValues};
use serde::Serialize;
use serde_json::{Value, json};

use super::model::{
    CATEGORIES, COUNTS, ExportedInterval, LOWER, PREDICTION, PROBABILITIES, UPPER, named,
};
use super::vocabulary::Vocabulary;
use crate::loaded_predictor::LoadedPredictor;

/// Version of the contents.
const FORMAT: u32 = 1;

/// The contents of the file.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Description {
    format: u32,
    aam: &'static str,
    model: &'static str,
    members: Vec<&'static str>,
    inputs: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    rarefaction_depth: Option<u32>,
    targets: Vec<Value>,
}

impl Description {
    /// That of the file `model` with `predictor`, which reads `vocabulary`; `intervals` are those of each
    /// target.
    pub fn new(
        model: &'static str,
        predictor: &LoadedPredictor,
        vocabulary: &Vocabulary,
        intervals: &[Vec<ExportedInterval>],
    ) -> Self {
        let members = predictor.members.as_ref();
        let parts = &predictor.parts;
        let several = parts.targets.len() > 1;
        let targets = parts.targets.iter().zip(intervals);
        Self {
            format: FORMAT,
            aam: env!("CARGO_PKG_VERSION"),
            model,
            members: members.map_or_else(|| vec!["network"], |members| members.names()),
            inputs: inputs(predictor, vocabulary),
            rarefaction_depth: predictor.policy.rarefy_depth,
            targets: targets
                .map(|(target, intervals)| describe(target, several, intervals))
                .collect(),
        }
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn inputs(predictor: &LoadedPredictor, vocabulary: &Vocabulary) -> Value {
    let asvs: Vec<&str> = vocabulary.asvs().iter().collect();
    let mut counts = json!({"asvs": asvs});
    if let Some(ids) = &vocabulary.ids {
        counts["ids"] = json!(ids);
    }
    let mut inputs = json!({COUNTS: counts});
    let columns = &predictor.parts.categories.columns;
    if !columns.is_empty() {
        let columns: Vec<Value> = columns
            .iter()
            .map(|column| {
                json!({
                    "column": column.column,
                    "levels": column.levels,
                    "rare-levels": column.pooled,
                    "parent": column.parent.map(|parent| &columns[parent].column),
                })
            })
            .collect();
        inputs[CATEGORIES] = json!({"columns": columns});
    }
    inputs
}

fn describe(target: &TargetManifest, several: bool, intervals: &[ExportedInterval]) -> Value {
    let output = |name: &str| named(name, &target.column, several);
    match &target.values {
        TargetValues::Classes(classes) => json!({
            "column": target.column,
            "classes": classes,
            "outputs": {PROBABILITIES: output(PROBABILITIES)},
        }),
        TargetValues::Numbers(transform) => {
            let intervals = intervals.iter().map(|interval| {
                json!({
                    "level": interval.level,
                    LOWER: interval.lower,
                    UPPER: interval.upper,
                })
            });
            json!({
                "column": target.column,
                "transform": transform,
                "outputs": {PREDICTION: output(PREDICTION)},
                "intervals": intervals.collect::<Vec<Value>>(),
            })
        }
    }
}
