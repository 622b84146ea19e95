//! Learning curves, and how distances between samples are fitted.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::figure;
use super::words::{self, number};
use crate::chart::{self, Curve, Curves, Ink};
use crate::train::compared::{Compared, Of};
use crate::watch::Record;

/// A chart of the training's metric beside the validation's, where an epoch learns `of`.
const PAIRS: [(&str, &str, &str, &str); 3] = [
    ("train_loss", "loss", "", "loss"),
    (
        "train_nucleotide_loss",
        "nucleotide_loss",
        "train_nucleotide_loss",
        "loss of masked nucleotides",
    ),
    (
        "",
        "nucleotide_accuracy",
        "train_nucleotide_loss",
        "accuracy at masked nucleotides",
    ),
];
/// Metrics that have a chart where there are such, beside those of every target.
const FIGURES: [&str; 3] = ["r2", "accuracy", "interval_coverage"];
/// Charts of metrics, at most.
const MOST: usize = 6;

/// The learning curves of a run.
pub fn section(epochs: &[Map<String, Value>]) -> Markup {
    if epochs.len() < 2 {
        return html! {};
    }
    let mut charts: Vec<Markup> = Vec::new();
    for (train, validation, of, name) in PAIRS {
        let part = stage(epochs, of);
        // The one loss of a run is not drawn twice.
        let is_all = validation == "nucleotide_loss"
            && values(&part, "loss") == values(&part, validation)
            && part.len() == epochs.len();
        if !is_all {
            charts.extend(chart(&part, name, &[train, validation]));
        }
    }
    let mut names: Vec<&String> = epochs.iter().flat_map(Map::keys).collect();
    names.sort();
    names.dedup();
    let of_targets = names.into_iter().filter(|name| {
        let figure = name.rsplit(':').next().unwrap_or(name);
        (!name.contains(':') && figure.ends_with("_r2")) || FIGURES.contains(&figure)
    });
    charts.extend(
        of_targets
            .take(MOST)
            .filter_map(|name| chart(epochs, &words::figure(name), &["", name])),
    );
    charts.extend(chart(epochs, "learning rate", &["learning_rate", ""]));
    html! {
        section {
            h2 { "Learning curves" }
            p.muted.keys {
                span { span.key style="background:var(--s1)" {} "training" } " "
                span { span.key style="background:var(--s2)" {} "held-out samples" }
                ". A vertical line is the best epoch, whose model is kept as " code { "checkpoints/best" } "."
            }
            div.charts { @for chart in charts { (chart) } }
        }
    }
}

/// The epochs that learn `of` or, where that is nothing, what the last one learns: a loss of another
/// stage is another loss.
fn stage(epochs: &[Map<String, Value>], of: &str) -> Vec<Map<String, Value>> {
    let learnt = |epoch: &Map<String, Value>| -> Vec<String> {
        let names = epoch.keys().filter(|name| name.starts_with("train_"));
        names.cloned().collect()
    };
    let last = epochs.last().map(learnt).unwrap_or_default();
    let belongs = |epoch: &&Map<String, Value>| match of {
        "" => learnt(epoch) == last,
        of => epoch.get(of).is_some(),
    };
    epochs.iter().filter(belongs).cloned().collect()
}

fn values(epochs: &[Map<String, Value>], name: &str) -> Vec<(f64, f64)> {
    let value = |epoch: &Map<String, Value>, name: &str| epoch.get(name).and_then(Value::as_f64);
    let points = epochs
        .iter()
        .filter_map(|epoch| Some((value(epoch, "epoch")?, value(epoch, name)?)));
    points.collect()
}

fn chart(
    epochs: &[Map<String, Value>],
    name: &str,
    [train, validation]: &[&str; 2],
) -> Option<Markup> {
    let sides = [
        ("training", train, Ink::First),
        ("held out", validation, Ink::Second),
    ];
    let curves: Vec<Curve> = sides
        .into_iter()
        .map(|(name, metric, ink)| Curve {
            name: name.to_owned(),
            ink,
            points: values(epochs, metric),
        })
        .filter(|curve| curve.points.len() > 1)
        .collect();
    let last = curves.last()?.points.last()?;
    let is_best = |epoch: &&Map<String, Value>| epoch.get("best") == Some(&Value::Bool(true));
    let best = epochs.iter().rev().find(is_best);
    let best = best.and_then(|epoch| epoch.get("epoch")?.as_f64());
    let best = best.filter(|best| curves.iter().any(|c| c.points.iter().any(|p| p.0 == *best)));
    let at_best = curves.last()?.points.iter().find(|p| Some(p.0) == best);
    let caption = html! {
        strong { (name) } ": "
        @if let Some(point) = at_best { (number(point.1)) " at the best, " }
        (number(last.1)) " at last"
    };
    let curves = Curves {
        name: name.to_owned(),
        across: "epoch".to_owned(),
        curves,
        best,
        may_be_logarithmic: name.contains("loss"),
    };
    Some(figure(&curves, &caption))
}

/// Distances (or diversity) as the best model predicts them.
pub fn base(base: &[Compared], record: &Record) -> Markup {
    let Some(compared) = base.iter().find(|compared| compared.of == Of::Base) else {
        return html! {};
    };
    let metric = |end: &str| {
        let best = record.best.as_ref()?.iter();
        let mut found = best.filter(|(name, _)| {
            !name.starts_with("nucleotide")
                && name
                    .strip_suffix(end)
                    .is_some_and(|start| !start.is_empty())
        });
        found.next()?.1.as_f64()
    };
    let caption = html! {
        strong { (compared.name) } " of held-out samples, in the best epoch"
        @if let Some(r2) = metric("_r2") { ": R² " (number(r2)) }
        @if let Some(rmse) = metric("_rmse") { ", root mean squared error " (number(rmse)) }
        ". Dashed: where a perfect prediction is. Orange: the straight line that fits best."
    };
    html! {
        section {
            h2 { "How well " (compared.name) " are learnt" }
            div.charts { (figure(&chart::compared(compared), &caption)) }
        }
    }
}
