//! Every event as a line of JSON.

use aam_runtime::error::RunError;
use aam_runtime::evaluation::report::Evaluation;
use aam_runtime::events::{Event, Observer};
use aam_runtime::train::metrics::Metric;
use serde_json::{Map, Value, json};

use crate::output::tell;

/// Tells everything, or warnings only.
pub(super) struct Json {
    /// Whether only warnings are told.
    pub(super) quiet: bool,
}

impl Observer for Json {
    fn observe(&mut self, event: &Event<'_>) -> Result<(), RunError> {
        if !self.quiet || matches!(event, Event::Warning(_)) {
            object(event).iter().for_each(tell);
        }
        Ok(())
    }
}

/// The event as an object; nothing of what is for files.
fn object(event: &Event<'_>) -> Option<Value> {
    Some(match *event {
        Event::Note(text) => json!({"event": "note", "text": text}),
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
            seconds,
        } => json!({
            "event": "epoch", "epoch": epoch, "step": step, "best": best, "seconds": seconds,
            "metrics": of_metrics(metrics),
        }),
        Event::Evaluated(evaluation) => evaluated(evaluation),
        Event::Progress { what, done, total } => json!({
            "event": "progress", "what": what, "done": done, "total": total,
        }),
        Event::Saved(path) => json!({"event": "saved", "path": path.display().to_string()}),
        _ => return None,
    })
}

fn of_metrics(metrics: &[Metric]) -> Map<String, Value> {
    let metrics = metrics.iter();
    metrics
        .map(|metric| (metric.name.clone(), metric.value.into()))
        .collect()
}

fn evaluated(evaluation: &Evaluation) -> Value {
    let figures = evaluation.figures.iter().map(|figure| {
        let others = evaluation.others.iter().zip(&figure.others);
        let others: Map<String, Value> = others
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        json!({
            "name": figure.name, "value": figure.value,
            "lower": figure.interval.map(|ends| ends.0),
            "upper": figure.interval.map(|ends| ends.1),
            "others": others,
        })
    });
    json!({
        "event": "evaluated", "method": evaluation.method, "samples": evaluation.samples,
        "figures": figures.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_objects_and_numbers_that_are_none_are_null() {
        let metrics = [("r2", 0.5), ("pearson", f64::NAN)].map(|(name, value)| Metric {
            name: name.to_owned(),
            value,
        });
        let event = Event::Epoch {
            epoch: 2,
            step: 8,
            metrics: &metrics,
            best: true,
            seconds: 0.25,
        };
        let expected = json!({
            "event": "epoch", "epoch": 2, "step": 8, "best": true, "seconds": 0.25,
            "metrics": {"r2": 0.5, "pearson": null},
        });
        assert_eq!(object(&event), Some(expected));
        assert_eq!(object(&Event::Weights(&[])), None);
    }
}
