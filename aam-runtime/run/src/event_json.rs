//! Events as JSON objects, in which NaN and infinite numbers are null.

use aam_evaluation::evaluation::Evaluation;
use aam_evaluation::metrics::Metric;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::events::Event;

/// A metric of the held-out samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedFigure {
    /// Its name.
    pub name: String,
    /// The model's value.
    pub value: Option<f64>,
    /// Lower bound of its 95 % interval.
    pub lower: Option<f64>,
    /// Upper bound of its 95 % interval.
    pub upper: Option<f64>,
    /// Values of other methods.
    pub others: Map<String, Value>,
}

impl RecordedFigure {
    /// A metric by itself.
    pub fn of(metric: &Metric) -> Self {
        Self {
            name: metric.name.clone(),
            value: metric.value.is_finite().then_some(metric.value),
            lower: None,
            upper: None,
            others: Map::new(),
        }
    }

    /// The metrics of `evaluation`.
    pub fn all(evaluation: &Evaluation) -> Vec<Self> {
        let finite = |value: f64| value.is_finite().then_some(value);
        let figures = evaluation.figures.iter().map(|figure| {
            let others = evaluation.others.iter().zip(&figure.others);
            Self {
                name: figure.name.clone(),
                value: finite(figure.value),
                lower: figure.interval.and_then(|ends| finite(ends.0)),
                upper: figure.interval.and_then(|ends| finite(ends.1)),
                others: others
                    .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
                    .collect(),
            }
        });
        figures.collect()
    }
}

/// Metrics by name.
pub fn of_metrics(metrics: &[Metric]) -> Map<String, Value> {
    let metrics = metrics.iter();
    metrics
        .map(|metric| (metric.name.clone(), metric.value.into()))
        .collect()
}

/// The event as an object; `None` for events that are written to files only.
pub fn of_event(event: &Event<'_>) -> Option<Value> {
    Some(match *event {
        Event::Note(text) | Event::Said(text) => json!({"event": "note", "text": text}),
        Event::Result(text) => json!({"event": "result", "text": text}),
        Event::Warning(text) => json!({"event": "warning", "text": text}),
        Event::Started {
            epochs,
            batches,
            parameters: (learn, all),
        } => json!({
            "event": "started", "epochs": epochs, "batches": batches,
            "parameters": {"learn": learn, "all": all},
        }),
        Event::Batch {
            epoch,
            batch,
            samples,
            loss,
        } => json!({
            "event": "batch", "epoch": epoch, "batch": batch, "samples": samples, "loss": loss,
        }),
        Event::Step {
            step,
            learning_rate,
            categorical_rate,
            gradient_norm,
        } => json!({
            "event": "step", "step": step, "learning_rate": learning_rate,
            "categorical_learning_rate": categorical_rate, "gradient_norm": gradient_norm,
        }),
        Event::Epoch {
            epoch,
            step,
            metrics,
            best,
            chosen_by,
            seconds,
        } => json!({
            "event": "epoch", "epoch": epoch, "step": step, "best": best, "chosen_by": chosen_by,
            "seconds": seconds, "metrics": of_metrics(metrics),
        }),
        Event::Evaluated(evaluation) => json!({
            "event": "evaluated", "method": evaluation.method, "samples": evaluation.samples,
            "figures": RecordedFigure::all(evaluation),
        }),
        Event::Ranks(number) => json!({"event": "ranks", "ranks": number}),
        Event::Concluded { summary, metric } => json!({
            "event": "concluded", "summary": summary, "metric": metric.map(|one| &one.name),
            "value": metric.map(|one| one.value),
        }),
        Event::Progress { what, done, total } => json!({
            "event": "progress", "what": what, "done": done, "total": total,
        }),
        Event::Saved(path) => json!({"event": "saved", "path": path.display().to_string()}),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_objects_and_nan_is_null() {
        let metrics = [("r2", 0.5), ("pearson", f64::NAN)].map(|(name, value)| Metric {
            name: name.to_owned(),
            value,
        });
        let event = Event::Epoch {
            epoch: 2,
            step: 8,
            metrics: &metrics,
            best: true,
            chosen_by: Some("r2"),
            seconds: 0.25,
        };
        let expected = json!({
            "event": "epoch", "epoch": 2, "step": 8, "best": true, "chosen_by": "r2",
            "seconds": 0.25,
            "metrics": {"r2": 0.5, "pearson": null},
        });
        assert_eq!(of_event(&event), Some(expected));
        assert_eq!(of_event(&Event::Weights(&[])), None);
        let result = json!({"event": "result", "text": "r2 0.5"});
        assert_eq!(of_event(&Event::Result("r2 0.5")), Some(result));
    }
}
