//! The methods of a run as a paragraph for a paper, written from its record.

use aam_api::options::split_list;
use maud::{Markup, html};
use serde_json::Value;

use super::Gathered;
use super::citations::{self, Work};
use super::described::{
    group_column, joined, list, members, network, size, splits, targets, text_of,
};
use super::figures::labelled;
use super::words::{count, method, number};
use crate::record::Record;
use aam_api::metric::{Headline, leads};
use aam_api::{LearnerKind, Registry};
use aam_evaluation::evaluation::NETWORK;

/// Maximum number of metrics reported in the text.
const MOST_METRICS: usize = 6;

/// The paragraph with its references, in a block to copy.
pub fn section(record: &Record, gathered: &Gathered) -> Markup {
    let written = Text::of(record, gathered);
    html! {
        section {
            h2 { "Methods, for a paper" }
            p.muted {
                "Written from the record of the run. Click to select all. Add how the samples were collected and sequenced, and check that it describes what you did."
            }
            pre.copy { (written.all()) }
        }
    }
}

/// A text and the works that it cites.
#[derive(Debug, Default)]
struct Text {
    sentences: Vec<String>,
    cited: Vec<Work>,
    /// The program with its version.
    program: String,
}

impl Text {
    fn of(record: &Record, gathered: &Gathered) -> Self {
        let mut text = Self {
            program: format!("aam (Attention All Microbes), version {}", record.aam),
            ..Self::default()
        };
        text.data(record);
        text.model(record);
        if record.held_out.is_some() || !record.figures.is_empty() {
            text.say(splits(record));
            text.uncertainty(record, gathered);
            text.results(record);
        }
        text.seed(record);
        text
    }

    fn say(&mut self, sentence: String) {
        if !sentence.is_empty() {
            self.sentences.push(sentence);
        }
    }

    /// The words that cite `works`, in brackets.
    fn cite(&mut self, works: &[Work]) -> String {
        for work in works {
            if !self.cited.contains(work) {
                self.cited.push(*work);
            }
        }
        let short: Vec<&str> = works.iter().map(|work| work.short).collect();
        match short.is_empty() {
            true => String::new(),
            false => format!(" ({})", short.join("; ")),
        }
    }

    fn data(&mut self, record: &Record) {
        let program = self.program.clone();
        let of = match size(record) {
            Some((samples, Some(asvs))) => format!(
                "the reads of {} features (ASVs, OTUs or taxa) in {} samples",
                count(asvs),
                count(samples)
            ),
            Some((samples, None)) => format!(
                "the reads of features (ASVs, OTUs or taxa) in {} samples",
                count(samples)
            ),
            None => "the reads of features (ASVs, OTUs or taxa)".to_owned(),
        };
        self.say(match record.command.as_str() {
            "pretrain" => format!("An encoder of ASVs was pre-trained on {of} with {program}."),
            _ => format!("{} predicted from {of} with {program}.", targets(record)),
        });
        if let Some(depth) = record.settings.get("rarefy-depth").and_then(Value::as_u64) {
            self.say(format!(
                "Samples were rarefied to {} reads.",
                count(depth as usize)
            ));
        }
        if let Some(condition) = text_of(record, "where") {
            self.say(format!(
                "Only samples that meet the condition \"{condition}\" were used."
            ));
        }
        let extra = list(record, "categorical-columns");
        if !extra.is_empty() {
            let (columns, verb) = match extra.len() {
                1 => ("column", "was also used as a predictor"),
                _ => ("columns", "were also used as predictors"),
            };
            self.say(format!("The metadata {columns} {} {verb}.", joined(&extra)));
        }
        if let Some(column) = text_of(record, "batch-column") {
            self.say(format!(
                "What the samples of a batch ({column}) have in common was removed, without using the target."
            ));
        }
    }

    fn model(&mut self, record: &Record) {
        match record.command.as_str() {
            "rf-baseline" => {
                let cited = self.cite(&[citations::RANDOM_FOREST]);
                let trees = record.settings.get("trees").and_then(Value::as_u64);
                let of = trees.map_or_else(String::new, |trees| {
                    format!(" of {} trees", count(trees as usize))
                });
                self.say(format!(
                    "The model is a Random Forest{of} on relative abundances{cited}."
                ));
            }
            "pretrain" => {
                let learned = self.learned_in_pretraining(record);
                self.say(format!("It learned to predict {}.", joined(&learned)));
            }
            _ => self.members(record),
        }
    }

    fn learned_in_pretraining(&mut self, record: &Record) -> Vec<String> {
        let has_weight = |key: &str| {
            let weight = record.settings.get(key).and_then(Value::as_f64);
            weight.unwrap_or(1.0) > 0.0
        };
        let objective = record.settings.get("objective");
        let objective = objective.and_then(|of| of.get("name")?.as_str());
        let mut learned = Vec::new();
        if has_weight("nucleotide-weight") {
            learned.push("masked nucleotides".to_owned());
        }
        if has_weight("unifrac-weight") {
            let objectives = split_list(objective.unwrap_or("unifrac")).into_iter();
            learned.extend(objectives.map(|item| match item.split(':').next() {
                Some("unifrac") => {
                    let metric = text_of(record, "unifrac-metric").unwrap_or("unweighted");
                    let cited = self.cite(&[citations::UNIFRAC]);
                    format!("{metric} UniFrac distances between samples{cited}")
                }
                _ => format!("the objective {item} of samples"),
            }));
        }
        learned
    }

    fn members(&mut self, record: &Record) {
        let network = network(record);
        let members = members(record);
        if members == [NETWORK] {
            return self.say(format!("The model is {network}."));
        }
        let known = Registry::<LearnerKind>::load().ok();
        let described: Vec<String> = members
            .iter()
            .map(|member| {
                let name = member.split(':').next().unwrap_or_default();
                if name == NETWORK {
                    return network.clone();
                }
                let found = known.as_ref().and_then(|known| known.find(name).ok());
                let summary = found.map_or_else(String::new, |plugin| plugin.summary());
                let summary = summary.trim_end_matches('.');
                let cited = self.cite(citations::of_member(name));
                match summary.is_empty() {
                    true => format!("{member}{cited}"),
                    false => format!("{member} [{summary}]{cited}"),
                }
            })
            .collect();
        self.say(match described.as_slice() {
            [one] => format!("The model is {one}."),
            several => format!(
                "The prediction is the mean of {} methods: {}.",
                several.len(),
                several.join("; ")
            ),
        });
    }

    fn uncertainty(&mut self, record: &Record, gathered: &Gathered) {
        let all = "Metrics were computed over all held-out samples together";
        if record.figures.iter().any(|figure| figure.lower.is_some()) {
            let cited = self.cite(&[citations::BOOTSTRAP]);
            let drawn = match group_column(record) {
                Some(column) => format!("of whole groups ({column})"),
                None => "of samples".to_owned(),
            };
            self.say(format!(
                "{all}; their 95 % intervals are percentiles of bootstrap resamples {drawn}{cited}."
            ));
        } else {
            self.say(format!("{all}."));
        }
        let mut levels: Vec<f64> = gathered.coverage.iter().map(|of| of.level).collect();
        levels.dedup();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let levels: Vec<String> = levels
            .iter()
            .map(|level| format!("{} %", tenths(100.0 * level)))
            .collect();
        if levels.is_empty() {
            return;
        }
        let levels = levels.join(" and ");
        let with_classes = gathered
            .targets
            .iter()
            .any(|target| target.classes.is_some());
        let text = if with_classes {
            let shares = self.cite(&[citations::TEMPERATURE]);
            let sets = self.cite(&[citations::SETS]);
            format!(
                "Class probabilities were calibrated on held-out predictions of the other folds{shares}, and so were prediction sets that contain the true class with a nominal probability of {levels}{sets}."
            )
        } else {
            let cited = self.cite(&[citations::CONFORMAL]);
            format!(
                "Prediction intervals with a nominal coverage of {levels} are conformal: they were calibrated on the errors of held-out samples in the other folds{cited}."
            )
        };
        self.say(text);
    }

    fn results(&mut self, record: &Record) {
        let main = record.figures.iter();
        let main = main.filter(|figure| leads(&figure.name, Headline::Card));
        let parts = main.take(MOST_METRICS).filter_map(|figure| {
            let value = number(figure.value?);
            let interval = figure.lower.zip(figure.upper);
            let interval = interval.map_or_else(String::new, |(low, high)| {
                format!(" (95 % interval {} to {})", number(low), number(high))
            });
            let others = figure.others.iter().filter(|(name, _)| *name != NETWORK);
            let others = others.filter_map(|(name, value)| {
                Some(format!("{} {}", method(name), number(value.as_f64()?)))
            });
            let others: Vec<String> = others.collect();
            let others = match others.is_empty() {
                true => String::new(),
                false => format!("; for comparison, {}", others.join(", ")),
            };
            Some(format!(
                "{} was {value}{interval}{others}.",
                match figure.name.contains(':') {
                    // The name of a column stays as it is.
                    true => labelled(record, &figure.name),
                    false => capital(&labelled(record, &figure.name)),
                }
            ))
        });
        let parts: Vec<String> = parts.collect();
        parts.into_iter().for_each(|part| self.say(part));
    }

    fn seed(&mut self, record: &Record) {
        if let Some(seed) = record.settings.get("seed").and_then(Value::as_u64) {
            self.say(format!("All random numbers derive from the seed {seed}."));
        }
    }

    /// The text, and the references below it.
    fn all(&self) -> String {
        let mut all = self.sentences.join(" ");
        all.push_str("\n\nReferences\n");
        for work in &self.cited {
            all.push_str(work.full);
            all.push('\n');
        }
        all.push_str(&format!(
            "{}. Computer program. [where you obtained it]",
            self.program
        ));
        all
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A number without more than one decimal.
fn tenths(value: f64) -> String {
    ((value * 10.0).round() / 10.0).to_string()
}

#[cfg(test)]
mod tests;
