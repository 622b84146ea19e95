//! The model card: what to know before using the model, by the items of TRIPOD that apply. What the
//! record of a run cannot know is left to fill in.

use aam_core::text::counted;
use maud::{Markup, html};

use super::citations::TRIPOD;
use super::described::{
    chosen, group_column, holds_out_a_part, joined, list, members, size, splits, text_of,
};
use super::figures::labelled;
use super::words::{count, number, with_unit};
use super::{Gathered, words};
use crate::presentation::unit;
use crate::record::{HeldOutValues, Record};
use aam_api::metric::{Headline, leads};
use aam_evaluation::coverage::Coverage;

/// Fewer samples than this count as few.
const FEW: usize = 100;
/// Fewer samples of a class than this count as few.
const FEW_OF_A_CLASS: usize = 20;
/// Maximum number of classes listed.
const MOST_CLASSES: usize = 12;

/// An item of the card.
#[derive(Clone)]
struct Item {
    name: &'static str,
    /// The items of TRIPOD that it answers.
    tripod: &'static str,
    /// What the record says.
    known: Vec<String>,
    /// What is left to fill in.
    open: Option<&'static str>,
}

/// The card; none for a run without held-out samples to judge it by.
pub fn section(record: &Record, gathered: &Gathered) -> Markup {
    if record.figures.is_empty() {
        return html! {};
    }
    let items = [
        data(record),
        model(record),
        results(record, gathered),
        use_of(record),
    ]
    .concat();
    html! {
        section {
            h2 { "Model card" }
            p.muted {
                "Follows the items of the TRIPOD checklist that apply (item numbers in brackets; " (TRIPOD.short) "). What the run cannot know is marked "
                mark { "to fill in" } "."
            }
            div.scroll { table {
                tbody { @for item in items {
                    tr {
                        th { (item.name) " [" (item.tripod) "]" }
                        td {
                            @for line in &item.known { div { (line) } }
                            @if let Some(open) = item.open { div { mark { "To fill in: " (open) } } }
                        }
                    }
                } }
            } }
            p.muted { (TRIPOD.full) }
        }
    }
}

fn data(record: &Record) -> Vec<Item> {
    let files = record.files.iter().map(|file| {
        let hash = file.sha256.get(..12).unwrap_or_default();
        format!(
            "{}: {}, SHA-256 {hash}…",
            file.setting,
            words::file_name(&file.path)
        )
    });
    let condition = text_of(record, "where").map(|of| format!("only samples with {of}"));
    let listed = text_of(record, "samples").map(|of| format!("only the samples listed in {of}"));
    let missing = record.notes.iter().filter(|note| {
        let note = note.to_lowercase();
        !note.contains('\n')
            && ["dropped", "missing", "left out"]
                .iter()
                .any(|word| note.contains(word))
    });
    vec![
        Item {
            name: "Source of data",
            tripod: "4a, 4b",
            known: files.collect(),
            open: Some(
                "design of the study, dates of sampling, laboratory, primers and region, sequencer",
            ),
        },
        Item {
            name: "Participants or sites",
            tripod: "5a, 5b",
            known: condition.into_iter().chain(listed).collect(),
            open: Some("where and from whom or what samples were taken, and which were excluded"),
        },
        Item {
            name: "Outcome",
            tripod: "6a, 6b",
            known: outcomes(record),
            open: Some("how it was measured, and whether without knowledge of the sequences"),
        },
        Item {
            name: "Predictors",
            tripod: "7a",
            known: predictors(record),
            open: Some(
                "DNA extraction, sequencing and denoising; whether samples with different outcomes were processed together",
            ),
        },
        Item {
            name: "Sample size",
            tripod: "8, 13a, 14a",
            known: sizes(record),
            open: Some("how the number of samples was chosen"),
        },
        Item {
            name: "Missing data",
            tripod: "9",
            open: missing.clone().next().map(|_| "why values are missing"),
            known: missing.cloned().collect(),
        },
    ]
}

fn outcomes(record: &Record) -> Vec<String> {
    let columns = list(record, "metadata-column");
    let held_out = record.held_out.as_ref();
    let described = columns.iter().map(|column| {
        let name = with_unit(column, unit(&record.settings, column));
        let values =
            held_out.and_then(|of| of.targets.iter().find(|target| target.name == *column));
        match values {
            Some(values) if holds_out_a_part(record) => {
                format!("{name}, held-out samples: {}", distribution(values))
            }
            Some(values) => format!("{name}: {}", distribution(values)),
            None => name,
        }
    });
    described.collect()
}

fn distribution(values: &HeldOutValues) -> String {
    if let Some([low, median, high]) = values.numbers {
        let (low, median, high) = (number(low), number(median), number(high));
        return format!("{low} to {high}, median {median}");
    }
    let shown = values.classes.iter().take(MOST_CLASSES);
    let shown: Vec<String> = shown
        .map(|(name, n)| format!("{name} {}", count(*n)))
        .collect();
    match values.classes.len().saturating_sub(MOST_CLASSES) {
        0 => shown.join(", "),
        more => format!("{} and {}", shown.join(", "), counted(more, "more class")),
    }
}

fn predictors(record: &Record) -> Vec<String> {
    let asvs = match size(record) {
        Some((_, Some(asvs))) => format!("reads of {} ASVs", count(asvs)),
        _ => "reads of ASVs".to_owned(),
    };
    let columns = list(record, "categorical-columns");
    let columns = (!columns.is_empty()).then(|| format!("metadata: {}", joined(&columns)));
    std::iter::once(asvs).chain(columns).collect()
}

fn sizes(record: &Record) -> Vec<String> {
    let samples = size(record).map(|(samples, _)| format!("{} samples", count(samples)));
    let groups = record
        .held_out
        .as_ref()
        .and_then(|of| of.groups)
        .zip(group_column(record));
    let groups = groups.map(|(groups, column)| format!("{} groups of {column}", count(groups)));
    samples.into_iter().chain(groups).collect()
}

fn model(record: &Record) -> Vec<Item> {
    let is_forest = record.command == "rf-baseline";
    let methods = match members(record).as_slice() {
        _ if is_forest => "Random Forest".to_owned(),
        [one] => (*one).to_owned(),
        several => format!("mean of {}", joined(several)),
    };
    let is_of_folds = record
        .held_out
        .as_ref()
        .is_some_and(|of| of.folds.is_some());
    let kept = match is_of_folds {
        true => {
            "the model, trained on all samples, is in checkpoints/best; aam predict applies it to new samples"
        }
        false => {
            "the metrics are those of checkpoints/last; checkpoints/best, which aam predict applies to new samples, is the epoch that was best on the held-out samples"
        }
    };
    let kept = (!is_forest).then(|| kept.to_owned());
    vec![
        Item {
            name: "Model",
            tripod: "10b, 15a",
            known: std::iter::once(methods).chain(kept).collect(),
            open: None,
        },
        Item {
            name: "Splits",
            tripod: "10b",
            known: Some(splits(record))
                .filter(|text| !text.is_empty())
                .into_iter()
                .collect(),
            open: None,
        },
        Item {
            name: "Checks for leaks",
            tripod: "18",
            known: leaks(record),
            open: Some("other ways in which the samples could reveal the outcome, such as batches"),
        },
    ]
}

/// What could have let the model know the held-out values, and whether it was found.
fn leaks(record: &Record) -> Vec<String> {
    let repeats = record.warnings.iter();
    let repeats: Vec<&String> = repeats
        .filter(|text| text.contains("--group-column"))
        .collect();
    let of_groups = match (group_column(record), repeats.as_slice()) {
        (Some(column), _) => vec![format!(
            "Repeated samples: those with the same {column} are never on both sides of a split."
        )],
        (None, []) => vec![
            "Repeated samples: no column of the metadata was found that looks like a subject or site with samples on both sides of a split."
                .to_owned(),
        ],
        (None, found) => found.iter().map(|text| format!("Repeated samples: {text}")).collect(),
    };
    let columns = list(record, "metadata-column").join(",");
    let rest = [
        chosen(record),
        format!(
            "Not examined in this run: columns that determine the outcome, and associations of the outcome with sample processing and sequencing depth. aam check --metadata-column {columns} looks for them."
        ),
    ];
    of_groups.into_iter().chain(rest).collect()
}

fn results(record: &Record, gathered: &Gathered) -> Vec<Item> {
    let main = record.figures.iter();
    let main = main.filter(|figure| leads(&figure.name, Headline::Card));
    let figures = main.filter_map(|figure| {
        let value = number(figure.value?);
        let interval = figure.lower.zip(figure.upper);
        let interval = interval.map_or_else(String::new, |(low, high)| {
            format!(", 95 % interval {} to {}", number(low), number(high))
        });
        Some(format!(
            "{}: {value}{interval}",
            labelled(record, &figure.name)
        ))
    });
    let verdict = record.verdict.iter().flat_map(|text| text.lines());
    let coverage = gathered.coverage.iter().filter(|of| of.group.is_none());
    vec![Item {
        name: "Performance on held-out samples",
        tripod: "10d, 16",
        known: verdict
            .map(str::to_owned)
            .chain(figures)
            .chain(coverage.map(covered))
            .collect(),
        open: Some("performance in another study (external validation)"),
    }]
}

fn covered(of: &Coverage) -> String {
    let percent = |share: f64| format!("{} %", (share * 1000.0).round() / 10.0);
    format!(
        "{}: {} of the intervals or sets with a nominal level of {} contain the actual value",
        of.target,
        percent(of.share()),
        percent(of.level)
    )
}

fn use_of(record: &Record) -> Vec<Item> {
    vec![
        Item {
            name: "Limits",
            tripod: "18",
            known: limits(record),
            open: Some(
                "populations, sample types, primers and laboratories for which it was not tested",
            ),
        },
        Item {
            name: "Intended use",
            tripod: "3a, 19b, 20",
            known: Vec::new(),
            open: Some(
                "who is to use the predictions, for which decision, and what it must not be used for",
            ),
        },
        Item {
            name: "Reproducibility",
            tripod: "21",
            known: vec![format!(
                "aam {}, config.toml and the files above; predictions.tsv has every held-out prediction",
                record.aam
            )],
            open: Some("where the data and the program are available"),
        },
        Item {
            name: "Funding",
            tripod: "22",
            known: Vec::new(),
            open: Some("funding, and its role"),
        },
    ]
}

fn limits(record: &Record) -> Vec<String> {
    let mut limits = vec![match group_column(record) {
        Some(column) => format!(
            "Performance is that for new groups of {column} from the same study; other studies were not tested."
        ),
        None => {
            "Performance is that for more samples of the same kind; other studies were not tested."
                .to_owned()
        }
    }];
    if let Some((samples, _)) = size(record).filter(|(samples, _)| *samples < FEW) {
        limits.push(format!(
            "There are only {samples} samples: other samples, folds or seeds can give quite different results."
        ));
    }
    let held_out = record.held_out.iter().flat_map(|of| &of.targets);
    for target in held_out {
        let rare = target.classes.iter().filter(|(_, n)| *n < FEW_OF_A_CLASS);
        let rare: Vec<String> = rare.map(|(name, n)| format!("{name} ({n})")).collect();
        if !rare.is_empty() {
            limits.push(format!(
                "{}: few held-out samples of {}",
                target.name,
                joined(&rare)
            ));
        }
    }
    limits.push("An association with microbes is not a cause.".to_owned());
    limits
}

#[cfg(test)]
mod tests;
