//! A target column: its values, repeated measurements, leaks and confounders.

mod relations;

use aam_core::DataError;
use aam_core::text::counted;
use aam_data::Metadata;
use aam_evaluation::repeats::repeated_columns;
use aam_report::check::{ColumnFound, GroupFound, Related, TargetFound, ValuesAre};
use aam_run::RunError;
use aam_train::{classes, targets};

use super::Findings;
use super::columns::means_numbers;
use super::files::Study;
use super::grouping::Grouping;
use crate::options::{CheckOptions, TrainOptions};
use relations::{Relation, Values};

/// Maximum number of related columns that are reported.
const MOST_RELATED: usize = 5;
/// Minimum association at which a column about sample processing is reported.
const BATCH: f64 = 0.3;
/// Minimum association at which any other column is reported.
const RELATED: f64 = 0.5;
/// Minimum association at which the number of reads is reported.
const DEPTH: f64 = 0.25;

/// Minimum association in standard deviations of a correlation under independence.
const DEVIATIONS: f64 = 3.0;

/// Words in the names of columns about sample processing.
const PROCESSING: [&str; 17] = [
    "batch",
    "run",
    "plate",
    "lane",
    "sequenc",
    "extract",
    "library",
    "instrument",
    "platform",
    "primer",
    "center",
    "centre",
    "pool",
    "prep",
    "kit",
    "operator",
    "well",
];

/// Describes the columns named by `options` for the samples `ids`.
pub fn section(
    options: &CheckOptions,
    study: &Study,
    ids: &[String],
    (grouping, columns): (Option<&Grouping>, &[ColumnFound]),
    found: &mut Findings,
) -> Vec<TargetFound> {
    let named = &options.metadata_column;
    let Some(metadata) = &study.metadata else {
        if let Some(name) = named.first() {
            let problem = format!(
                "column '{}' cannot be checked without metadata",
                name.trim()
            );
            found.stop(DataError::new(problem).help("name the file with --metadata"));
        }
        return Vec::new();
    };
    let targets = named.iter().filter_map(|name| {
        if let Err(error) = metadata.column(name) {
            found.stop(error);
            return None;
        }
        let column = columns.iter().find(|column| column.name == name.trim())?;
        Some(target(
            options,
            (study, metadata),
            ids,
            (grouping, columns),
            column,
            found,
        ))
    });
    targets.collect()
}

/// Whether a column is learned as classes.
fn are_classes(options: &CheckOptions, metadata: &Metadata, column: &ColumnFound) -> bool {
    // Non-standard numbers should be fixed, not learned as words.
    let numbers = metadata
        .column(&column.name)
        .is_ok_and(|column| means_numbers(column.known()));
    let kinds = [ValuesAre::Numbers, ValuesAre::Codes];
    options.classifier || !(numbers || kinds.contains(&column.kind))
}

fn target(
    options: &CheckOptions,
    (study, metadata): (&Study, &Metadata),
    ids: &[String],
    (grouping, columns): (Option<&Grouping>, &[ColumnFound]),
    column: &ColumnFound,
    found: &mut Findings,
) -> TargetFound {
    let classes = are_classes(options, metadata, column);
    let mut target = TargetFound {
        column: column.clone(),
        classes,
        groups: Vec::new(),
        grouped: None,
        leaks: Vec::new(),
        batches: Vec::new(),
        related: Vec::new(),
        depth: None,
    };
    let name = &column.name;
    let targets = [name.clone()];
    target.groups = repeated_columns(metadata, ids, &targets)
        .into_iter()
        .map(|repeats| GroupFound {
            name: repeats.column,
            values: repeats.values,
            repeated: repeats.repeated,
            samples: repeats.samples,
            likely: repeats.names_a_unit,
        })
        .collect();
    if !can_be_learned(options, metadata, ids, (name, classes), found) {
        return target;
    }
    target.grouped = grouping.map(|grouping| {
        let values = metadata.texts_keeping(name, ids, &options.keep_class);
        let values = values.unwrap_or_default();
        grouping.of_target((metadata, name), (&values, classes), found)
    });
    let own = Values::of(metadata, name, ids, classes);
    // With few samples, associations arise by chance.
    let chance = DEVIATIONS / (column.known as f64).sqrt();
    for other in columns.iter().filter(|other| other.name != *name) {
        let is_group = target.groups.iter().any(|group| group.name == other.name);
        match relations::with(&own, metadata, other, ids) {
            Some(Relation::Determines(related)) if !is_group => target.leaks.push(related),
            Some(Relation::Determines(related) | Relation::GoesWith(related)) => {
                let processing = is_processing(&other.name);
                if processing && related.strength >= BATCH.max(chance) {
                    target.batches.push(related);
                } else if related.strength >= RELATED.max(chance) && !is_group {
                    target.related.push(related);
                }
            }
            None => {}
        }
    }
    let strongest = |related: &mut Vec<Related>| {
        related.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    };
    strongest(&mut target.batches);
    strongest(&mut target.related);
    target.related.truncate(MOST_RELATED);
    if let Some((_, table)) = &study.table {
        let index = table.sample_index();
        let depths: Vec<Option<f64>> = ids
            .iter()
            .map(|id| index.get(id.as_str()).map(|&row| table.depth(row) as f64))
            .collect();
        let depth = relations::with_numbers(&own, "reads per sample", &depths);
        target.depth = depth.filter(|depth| depth.strength >= DEPTH.max(chance));
    }
    let divided = target.groups.iter().find(|group| {
        let keeps = |grouping: &Grouping| grouping.keeps_together(metadata, &group.name, ids);
        !grouping.is_some_and(keeps)
    });
    warn(metadata, &target, divided, found);
    target
}

/// Whether a training run would accept the column. If not, its error is added to the problems.
fn can_be_learned(
    options: &CheckOptions,
    metadata: &Metadata,
    ids: &[String],
    (name, classes): (&str, bool),
    found: &mut Findings,
) -> bool {
    let training = TrainOptions {
        metadata_column: vec![name.to_owned()],
        classifier: classes,
        keep_class: options.keep_class.clone(),
        ..TrainOptions::default()
    };
    let raw = match targets::read(&training, metadata, ids, &mut |_| Ok(())) {
        Ok((raw, _)) => raw,
        Err(error) => {
            found.stop(match error {
                RunError::Data(error) => error.file(metadata.file()),
                other => DataError::in_file(metadata.file(), other.to_string()),
            });
            return false;
        }
    };
    for column in &raw.columns {
        let Some(classes) = &column.classes else {
            continue;
        };
        let mut counts = vec![0; classes.len()];
        column
            .values
            .iter()
            .for_each(|&class| counts[class as usize] += 1);
        let texts = [
            classes::alike(name, classes),
            classes::lone(name, classes, &counts),
        ];
        for text in texts.into_iter().flatten() {
            let (problem, help) = text.rsplit_once("; ").unwrap_or((&text, ""));
            let error = DataError::in_file(metadata.file(), problem);
            found.warn(match help {
                "" => error,
                help => error.help(help),
            });
        }
    }
    true
}

/// Whether the name of a column suggests that it describes how samples were processed.
pub fn is_processing(name: &str) -> bool {
    let name = name.to_lowercase();
    PROCESSING.iter().any(|word| name.contains(word))
}

/// Warns of anything that makes the metrics too optimistic. `divided` is a column with repeats that
/// would be on both sides of a split.
fn warn(
    metadata: &Metadata,
    target: &TargetFound,
    divided: Option<&GroupFound>,
    found: &mut Findings,
) {
    let name = &target.column.name;
    let mut warn = |problem: String, help: String| {
        found.warn(DataError::in_file(metadata.file(), problem).help(help));
    };
    if let Some(group) = divided {
        warn(
            format!(
                "column '{}' has {} for {}, {} of them for several samples: repeated measurements are not independent",
                group.name,
                counted(group.values, "value"),
                counted(target.column.known + target.column.missing, "sample"),
                group.repeated
            ),
            format!(
                "if they are repeats (of a subject, a site, a study), keep them together with --group-column {}",
                group.name
            ),
        );
    }
    if !target.leaks.is_empty() {
        let leaks = target.leaks.iter().take(MOST_RELATED);
        let leaks: Vec<String> = leaks
            .map(|leak| format!("'{}' ({})", leak.name, leak.how))
            .collect();
        let more = match target.leaks.len() > leaks.len() {
            true => ", …",
            false => "",
        };
        warn(
            format!("'{name}' follows from {}{more}", leaks.join(", ")),
            "do not use such a column as model input (--categorical-columns) or for grouping"
                .to_owned(),
        );
    }
    if let Some(first) = target.batches.first() {
        let batches = target.batches.iter().take(MOST_RELATED);
        let batches: Vec<String> = batches
            .map(|batch| format!("'{}' ({})", batch.name, batch.how))
            .collect();
        warn(
            format!(
                "'{name}' is associated with how samples were processed, which a model may learn instead: {}",
                batches.join(", ")
            ),
            format!(
                "--group-column {} --leave-one-group-out shows the performance without it",
                first.name
            ),
        );
    }
    if let Some(depth) = &target.depth {
        warn(
            format!(
                "'{name}' is associated with the number of reads ({}): a model may learn sequencing depth",
                depth.how
            ),
            "compare with training on rarefied reads (--rarefy-depth)".to_owned(),
        );
    }
}
