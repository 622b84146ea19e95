//! Learning curves, and the fit of distances between samples.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::figure;
use super::words::number;
use crate::chart;
use crate::chart::{Curve, Curves, Ink};
use crate::record::Record;
use aam_api::metric::{Headline, MetricName, label, leads};
use aam_evaluation::compared::{Compared, Of};

/// Maximum number of charts of metrics.
const MOST: usize = 6;

/// The learning curves of a run.
pub fn section(epochs: &[Map<String, Value>]) -> Markup {
    if epochs.len() < 2 {
        return html! {};
    }
    let mut names: Vec<&str> = epochs.iter().flat_map(Map::keys).map(|n| &**n).collect();
    names.sort_unstable();
    names.dedup();
    let mut charts = losses(epochs, &names);
    let led = names.iter().filter(|name| leads(name, Headline::Curve));
    let led = led.take(MOST).filter_map(|name| {
        let learned = MetricName::read(name)?.subject;
        let learned = learned.map(|subject| stage(epochs, &format!("train_{}_loss", subject.name)));
        let part = learned.filter(|part| !part.is_empty());
        let part = part.as_deref().unwrap_or(epochs);
        chart(part, &label(name), &["", name], false)
    });
    charts.extend(led);
    let rate = "learning_rate";
    charts.extend(chart(epochs, &label(rate), &[rate, ""], false));
    html! {
        section {
            h2 { "Learning curves" }
            p.muted.keys {
                span { span.key style="background:var(--s1)" {} "training" } " "
                span { span.key style="background:var(--s2)" {} "held-out samples" }
                ". The vertical line marks the best epoch, whose model is kept as " code { "checkpoints/best" } "."
            }
            div.charts { @for chart in charts { (chart) } }
        }
    }
}

/// Charts of training losses together with those of the held-out samples, where both exist.
fn losses(epochs: &[Map<String, Value>], names: &[&str]) -> Vec<Markup> {
    let pairs = names.iter().filter_map(|train| {
        let held_out = train.strip_prefix("train_")?;
        names.contains(&held_out).then_some((*train, held_out))
    });
    let charts = pairs.filter_map(|(train, held_out)| {
        let of = if held_out == "loss" { "" } else { train };
        let part = stage(epochs, of);
        // The only loss of a run is not drawn twice.
        let is_all = held_out != "loss"
            && values(&part, "loss") == values(&part, held_out)
            && part.len() == epochs.len();
        match is_all {
            true => None,
            false => chart(&part, &label(held_out), &[train, held_out], true),
        }
    });
    charts.collect()
}

/// The epochs that train `of` or, if it is empty, the loss that the last epoch trains; losses of
/// different stages are not comparable.
fn stage(epochs: &[Map<String, Value>], of: &str) -> Vec<Map<String, Value>> {
    let learned = |epoch: &Map<String, Value>| -> Vec<String> {
        let names = epoch.keys().filter(|name| name.starts_with("train_"));
        names.cloned().collect()
    };
    let last = epochs.last().map(learned).unwrap_or_default();
    let belongs = |epoch: &&Map<String, Value>| match of {
        "" => learned(epoch) == last,
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
    may_be_logarithmic: bool,
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
        @if let Some(point) = at_best { (number(point.1)) " at the best epoch, " }
        (number(last.1)) " at the end"
    };
    let curves = Curves {
        name: name.to_owned(),
        across: "epoch".to_owned(),
        up: name.to_owned(),
        curves,
        best,
        may_be_logarithmic,
    };
    Some(figure(&curves, &caption))
}

/// Distances (or diversity) as predicted by the best model.
pub fn base(base: &[Compared], record: &Record) -> Markup {
    let Some(compared) = base.iter().find(|compared| compared.of == Of::Base) else {
        return html! {};
    };
    let metric = |of: &str| {
        let mut best = record.best.as_ref()?.iter();
        let found = best.find(|(name, _)| {
            let read = MetricName::read(name);
            read.is_some_and(|read| read.subject.is_some() && read.metric.name == of)
        });
        found?.1.as_f64()
    };
    let caption = html! {
        strong { (compared.name) } " of held-out samples, in the best epoch"
        @if let Some(r2) = metric("r2") { ": R² " (number(r2)) }
        @if let Some(rmse) = metric("rmse") { ", root mean squared error " (number(rmse)) }
        ". Dashed: perfect prediction. Orange: least-squares line."
    };
    html! {
        section {
            h2 { "How well " (compared.name) " are learned" }
            @if let Some(chart) = chart::compared(compared) {
                div.charts { (figure(&chart, &caption)) }
            }
        }
    }
}
