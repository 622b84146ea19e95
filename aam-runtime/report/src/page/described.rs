//! Facts of a run's record in words, for the texts of its page.

use serde_json::Value;

use super::words::{count, with_unit};
use crate::presentation::unit;
use crate::record::Record;
use aam_core::text::counted;
use aam_evaluation::evaluation::NETWORK;

/// The numbers of samples and of ASVs of a run.
pub fn size(record: &Record) -> Option<(usize, Option<usize>)> {
    let of_table = record.study.map(|size| (size.samples, Some(size.asvs)));
    let of_split = record
        .samples
        .map(|(train, held_out)| (train + held_out, None));
    let held_out = record.held_out.as_ref().map(|of| (of.samples, None));
    of_table.or(of_split).or(held_out)
}

/// The column whose groups stay together.
pub fn group_column(record: &Record) -> Option<&str> {
    text_of(record, "group-column")
}

/// A setting that is a text.
pub fn text_of<'a>(record: &'a Record, key: &str) -> Option<&'a str> {
    let text = record.settings.get(key)?.as_str()?.trim();
    Some(text).filter(|text| !text.is_empty())
}

/// A setting that is a list of names.
pub fn list<'a>(record: &'a Record, key: &str) -> Vec<&'a str> {
    let all = record.settings.get(key).and_then(Value::as_array);
    let names = all.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::trim).collect()
}

/// Names as in a sentence: `a`, `a and b`, `a, b and c`.
pub fn joined(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Whether only some of the samples are held out.
pub fn holds_out_a_part(record: &Record) -> bool {
    let held_out = record.held_out.as_ref().zip(size(record));
    held_out.is_some_and(|(of, (all, _))| of.samples < all)
}

/// What was predicted, as the beginning of a sentence.
pub fn targets(record: &Record) -> String {
    let columns = list(record, "metadata-column");
    let held_out = record.held_out.as_ref();
    let classes_of = match holds_out_a_part(record) {
        true => "classes of the held-out samples:",
        false => "classes",
    };
    let described = columns.iter().map(|column| {
        let values =
            held_out.and_then(|of| of.targets.iter().find(|target| target.name == *column));
        let classes = values
            .map(|values| values.classes.as_slice())
            .unwrap_or_default();
        let classes: Vec<String> = classes
            .iter()
            .map(|(name, n)| format!("{name}: {}", count(*n)))
            .collect();
        let named = with_unit(column, unit(&record.settings, column));
        match classes.len() {
            0 => named,
            1..=8 => format!("{named} ({classes_of} {})", classes.join(", ")),
            many => format!("{named} ({many} classes)"),
        }
    });
    let described: Vec<String> = described.collect();
    let (noun, verb) = match columns.len() {
        1 => ("column", "was"),
        _ => ("columns", "were"),
    };
    format!("The metadata {noun} {} {verb}", joined(&described))
}

/// The members of the model; the network alone where only it was evaluated.
pub fn members(record: &Record) -> Vec<&str> {
    let mut figures = record.figures.iter();
    let is_combined = figures.any(|figure| figure.others.contains_key(NETWORK));
    match is_combined {
        true => list(record, "members"),
        false => vec![NETWORK],
    }
}

/// The network with its main components.
pub fn network(record: &Record) -> String {
    let chosen = |kind: &str| record.settings.get(kind)?.get("name")?.as_str();
    let parts = ["asv-encoder", "sample-encoder", "fusion", "head", "loss"];
    let parts = parts.iter().filter_map(|kind| {
        let name = chosen(kind).filter(|name| *name != "none")?;
        Some(format!(
            "{} {name}",
            kind.replace("asv", "ASV").replace('-', " ")
        ))
    });
    let parts: Vec<String> = parts.collect();
    let mut text = match chosen("asv-encoder") {
        Some("lineage") => "a neural network that places the features in a tree or taxonomy",
        _ => "a neural network on embeddings of the features",
    }
    .to_owned();
    if !parts.is_empty() {
        text.push_str(&format!(" ({})", parts.join(", ")));
    }
    text
}

fn is_length_given(record: &Record) -> bool {
    let given = |key: &str| record.settings.get(key).is_some_and(Value::is_u64);
    ["epochs", "max-steps"].into_iter().any(given)
}

/// What the held-out samples were used for besides the metrics.
pub fn chosen(record: &Record) -> String {
    if record.command == "rf-baseline" {
        return "The held-out samples were used for evaluation only.".to_owned();
    }
    match record.settings.get("patience").and_then(Value::as_u64) {
        Some(epochs) => format!(
            "Training stopped after {} without improvement on the held-out samples, which makes their metrics somewhat optimistic.",
            counted(epochs as usize, "epoch")
        ),
        None if is_length_given(record) => {
            "Scales and the weights of members were chosen on training samples alone; the length of the training was set beforehand."
                .to_owned()
        }
        None => {
            "Scales, the weights of members and the length of the training were chosen on training samples alone."
                .to_owned()
        }
    }
}

/// How samples were held out.
pub fn splits(record: &Record) -> String {
    let held_out = record.held_out.as_ref();
    let groups = held_out.and_then(|of| of.groups);
    let together = group_column(record).map_or_else(String::new, |column| {
        let of = groups.map_or_else(String::new, |groups| format!(" ({} groups)", count(groups)));
        format!("; samples with the same {column} were kept together{of}")
    });
    let is_stratified = record.settings.get("stratify") == Some(&Value::Bool(true))
        && record.settings.get("classifier") == Some(&Value::Bool(true))
        && list(record, "metadata-column").len() == 1
        && group_column(record).is_none();
    let stratified = if is_stratified {
        ", stratified by class"
    } else {
        ""
    };
    let chosen = chosen(record);
    match (held_out.and_then(|of| of.folds), record.samples) {
        (Some(folds), _) => format!(
            "Every sample was predicted once, by models that were not trained on it, in {folds}-fold cross-validation{stratified}{together}. {chosen}"
        ),
        (None, Some((train, validation))) => format!(
            "The model was trained on {} samples and evaluated on {} held-out samples{stratified}{together}. {chosen}",
            count(train),
            count(validation)
        ),
        (None, None) => String::new(),
    }
}
