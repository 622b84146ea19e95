//! A column to be predicted: what it holds, what repeats its samples, what gives it away, and what it
//! goes with.

mod relations;

use aam_core::DataError;
use aam_data::Metadata;
use aam_evaluation::repeats::repeated_columns;
use aam_report::check::{ColumnFound, GroupFound, Related, TargetFound, ValuesAre};
use aam_run::RunError;
use aam_train::{classes, targets};

use super::Findings;
use super::columns::means_numbers;
use super::files::Study;
use crate::options::{CheckOptions, TrainOptions};
use relations::{Relation, Values};

/// Columns of the same name in another section, most of which are told.
const MOST_RELATED: usize = 5;
/// Strength from which on a column of how samples were processed is told.
const BATCH: f64 = 0.3;
/// Strength from which on any other column is.
const RELATED: f64 = 0.5;
/// Strength from which on the number of reads is.
const DEPTH: f64 = 0.25;

/// Standard deviations of a correlation that is none, which something that is told is beyond.
const DEVIATIONS: f64 = 3.0;

/// Words in the names of columns of how samples were processed.
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

/// The columns that `options` name, of the samples `ids`.
pub fn section(
    options: &CheckOptions,
    study: &Study,
    ids: &[String],
    columns: &[ColumnFound],
    found: &mut Findings,
) -> Vec<TargetFound> {
    let named = &options.metadata_column;
    let Some(metadata) = &study.metadata else {
        if let Some(name) = named.first() {
            let problem = format!(
                "column '{}' is to be looked at, and there is no metadata",
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
            columns,
            column,
            found,
        ))
    });
    targets.collect()
}

/// Whether a column is learnt as classes.
fn are_classes(options: &CheckOptions, metadata: &Metadata, column: &ColumnFound) -> bool {
    // Numbers that are written otherwise are to be mended, not learnt as words.
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
    columns: &[ColumnFound],
    column: &ColumnFound,
    found: &mut Findings,
) -> TargetFound {
    let classes = are_classes(options, metadata, column);
    let mut target = TargetFound {
        column: column.clone(),
        classes,
        groups: Vec::new(),
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
    if !can_be_learnt(options, metadata, ids, (name, classes), found) {
        return target;
    }
    let own = Values::of(metadata, name, ids, classes);
    // Few samples go with anything by chance.
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
        let depth = relations::with_numbers(&own, "reads of a sample", &depths);
        target.depth = depth.filter(|depth| depth.strength >= DEPTH.max(chance));
    }
    warn(metadata, &target, found);
    target
}

/// Whether a training would take the column; what it would say is among the problems.
fn can_be_learnt(
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

/// Whether a column of this name tells how samples were processed.
pub fn is_processing(name: &str) -> bool {
    let name = name.to_lowercase();
    PROCESSING.iter().any(|word| name.contains(word))
}

/// Warns of what makes figures better than they are.
fn warn(metadata: &Metadata, target: &TargetFound, found: &mut Findings) {
    let name = &target.column.name;
    let mut warn = |problem: String, help: String| {
        found.warn(DataError::in_file(metadata.file(), problem).help(help));
    };
    if let Some(group) = target.groups.first() {
        warn(
            format!(
                "column '{}' has {} values for {} samples, {} of them for several: repeats of one of them are not independent",
                group.name,
                group.values,
                target.column.known + target.column.missing,
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
            "give no such column to a model (--categorical-columns), and group by none of them"
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
                "'{name}' goes with how samples were processed, which a model may learn in its place: {}",
                batches.join(", ")
            ),
            format!(
                "--group-column {} --leave-one-group-out shows what is left without it",
                first.name
            ),
        );
    }
    if let Some(depth) = &target.depth {
        warn(
            format!(
                "'{name}' goes with the number of reads ({}): a model may learn how deep samples were sequenced",
                depth.how
            ),
            "compare with a training on rarefied reads (--rarefy-depth)".to_owned(),
        );
    }
}
