//! Metrics of the held-out samples, alongside those of other methods.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::words::{count, maybe, method, number, plain, with_unit};
use crate::presentation::unit;
use crate::record::Record;
use aam_api::metric::{Better, Headline, MetricName, label, leads};
use aam_run::event_json::RecordedFigure;

/// The most important metrics as cards, for `held_out` held-out samples.
pub fn cards(record: &Record, epochs: &[Map<String, Value>], held_out: usize) -> Markup {
    // With several targets there would be too many.
    let is_main = |name: &str| !name.contains(':') && leads(name, Headline::Card);
    let figures = record.figures.iter();
    let figures: Vec<_> = figures.filter(|f| is_main(&f.name)).collect();
    let last = epochs.last();
    let best = record.best.as_ref().or(last);
    html! {
        div.cards {
            @for recorded in &figures {
                div.card {
                    span { (labelled(record, &recorded.name)) }
                    b { (maybe(recorded.value)) }
                    @if let (Some(low), Some(high)) = (recorded.lower, recorded.upper) {
                        span { (number(low)) " to " (number(high)) }
                    }
                    @for (name, value) in &recorded.others {
                        @if let Some(value) = value.as_f64() {
                            span { (method(name)) " " (plain(value)) }
                        }
                    }
                }
            }
            @if figures.is_empty() {
                @for (name, value) in best.into_iter().flatten().filter(|(name, _)| is_main(name)) {
                    @if let Some(value) = value.as_f64() {
                        div.card {
                            span { (label(name)) }
                            b { (number(value)) }
                            @let majority = best.and_then(|best| best.get("nucleotide_position_majority"));
                            @if let ("nucleotide_accuracy", Some(value)) = (name.as_str(), majority.and_then(Value::as_f64)) {
                                span { "most common base at each position " (number(value)) }
                            }
                        }
                    }
                }
            }
            @if let Some((train, validation)) = record.samples {
                div.card {
                    span { "samples" }
                    b { (count(train + validation)) }
                    span { (count(train)) " for training, " (count(validation)) " held out" }
                }
            }
            @if record.samples.is_none() && held_out > 0 {
                div.card { span { "samples" } b { (count(held_out)) } span { "each held out once" } }
            }
            @if record.epochs > 0 {
                div.card {
                    span { "epochs" }
                    b { (count(record.epochs)) }
                    @if let Some(best) = record.best.as_ref().and_then(|best| best.get("epoch")) {
                        span { "best: " (best.to_string()) }
                    }
                    span { (count(record.steps)) " updates" }
                }
            }
            @if let Some((learn, all)) = record.parameters {
                div.card {
                    span { "parameters" }
                    b { (short(all)) }
                    span { (short(learn)) " trainable" }
                }
            }
        }
    }
}

/// The label of a metric, with the unit of the target if the metric is in it.
pub fn labelled(record: &Record, name: &str) -> String {
    let read = MetricName::read(name).filter(|read| read.metric.in_unit);
    let unit = read.and_then(|read| match read.target {
        Some(target) => unit(&record.settings, target),
        None => {
            let columns = record.settings.get("metadata-column")?.as_array()?;
            unit(&record.settings, columns.first()?.as_str()?.trim())
        }
    });
    with_unit(&label(name), unit)
}

fn short(count: usize) -> String {
    match count as f64 {
        n if n < 1e4 => format!("{n}"),
        n if n < 1e6 => format!("{:.0} k", n / 1e3),
        n => format!("{:.1} M", n / 1e6),
    }
}

/// The table of all metrics, with intervals and the metrics of other methods.
pub fn table(record: &Record) -> Markup {
    let Some(first) = record.figures.first() else {
        return html! {};
    };
    let others: Vec<&String> = first.others.keys().collect();
    let own = method(record.method.as_deref().unwrap_or("model"));
    let with_intervals = record.figures.iter().any(|figure| figure.lower.is_some());
    html! {
        section {
            h2 { "Prediction quality" }
            p.muted {
                "On held-out samples. The best value in each row is bold."
                @if with_intervals {
                    " The interval shows how much the metric depends on which samples were held out."
                }
            }
            div.scroll { table {
                thead { tr {
                    th {} th.n { (own) }
                    @if with_intervals { th.n { "95 % interval" } }
                    @for name in &others { th.n { (method(name)) } }
                } }
                tbody { @for recorded in &record.figures {
                    (row(&labelled(record, &recorded.name), recorded, &others, with_intervals))
                } }
            } }
        }
    }
}

fn row(name: &str, recorded: &RecordedFigure, others: &[&String], with_intervals: bool) -> Markup {
    let of = |name: &String| recorded.others.get(name).and_then(Value::as_f64);
    let known = MetricName::read(&recorded.name);
    let direction = known.map_or(Better::Neither, |name| name.metric.better);
    let better = |a: f64, b: f64| direction.score(a) >= direction.score(b);
    let all: Vec<f64> = others
        .iter()
        .filter_map(|&name| of(name))
        .chain(recorded.value)
        .collect();
    let class = |value: Option<f64>| {
        let value = value.filter(|_| direction != Better::Neither && all.len() > 1);
        match value.is_some_and(|value| all.iter().all(|other| better(value, *other))) {
            true => "n best",
            false => "n",
        }
    };
    let interval = match (recorded.lower, recorded.upper) {
        (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
        _ => String::new(),
    };
    html! {
        tr {
            td { (name) }
            td class=(class(recorded.value)) { (maybe(recorded.value)) }
            @if with_intervals { td.n.muted { (interval) } }
            @for &name in others { td class=(class(of(name))) { (maybe(of(name))) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use aam_run::event_json::RecordedFigure;
    use serde_json::json;

    use super::*;

    #[test]
    fn metrics_in_the_unit_of_the_target_say_so_and_undefined_ones_are_dashes() {
        let figure = |name: &str, trivial: Option<f64>| RecordedFigure {
            name: name.to_owned(),
            value: Some(0.5),
            lower: None,
            upper: None,
            others: [("trivial".to_owned(), Value::from(trivial))]
                .into_iter()
                .collect(),
        };
        let settings = json!({"metadata-column": ["age", "ph"], "unit": ["years", ""]});
        let record = |figures: Vec<RecordedFigure>| Record {
            settings: settings.as_object().unwrap().clone(),
            figures,
            ..Record::default()
        };
        let of_one = record(vec![figure("mae", Some(1.0)), figure("spearman", None)]);
        let page = table(&of_one).into_string();
        for words in [
            "<td>mean absolute error (years)</td>",
            "<td>Spearman correlation</td>",
            "<td class=\"n\">–</td>",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let page = table(&record(vec![
            figure("age:mae", None),
            figure("ph:mae", None),
        ]))
        .into_string();
        assert!(page.contains("age: mean absolute error (years)"), "{page}");
        assert!(page.contains("<td>ph: mean absolute error</td>"), "{page}");
    }
}
