//! The methods of a run as a paragraph for a paper, written from its record.

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

/// Most metrics reported in the text.
const MOST_METRICS: usize = 6;

/// The paragraph with its references, in a block to copy.
pub fn section(record: &Record, gathered: &Gathered) -> Markup {
    let written = Text::of(record, gathered);
    html! {
        section {
            h2 { "Methods, for a paper" }
            p.muted {
                "Written from the record of the run. A click selects all of it. Add how the samples were taken and sequenced, and check that it says what you did."
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
                "the reads of {} amplicon sequence variants (ASVs) in {} samples",
                count(asvs),
                count(samples)
            ),
            Some((samples, None)) => format!(
                "the reads of amplicon sequence variants (ASVs) in {} samples",
                count(samples)
            ),
            None => "the reads of amplicon sequence variants (ASVs)".to_owned(),
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
            self.say(format!(
                "The metadata columns {} were predictors, too.",
                joined(&extra)
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
                let cited = self.cite(&[citations::UNIFRAC]);
                let metric = text_of(record, "unifrac-metric").unwrap_or("UniFrac");
                self.say(format!(
                    "It learned to predict masked nucleotides and distances between samples (metric: {metric}{cited})."
                ));
            }
            _ => self.members(record),
        }
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
                capital(&labelled(record, &figure.name))
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
mod tests {
    use aam_run::event_json::RecordedFigure;
    use serde_json::json;

    use super::*;
    use crate::record::{HeldOutSize, HeldOutValues, StudySize};

    fn record() -> Record {
        let settings = json!({
            "metadata-column": ["age"], "unit": ["years"], "classifier": false, "seed": 42,
            "members": ["network", "kernel", "forest:trees=300"], "group-column": "subject",
            "rarefy-depth": 1000, "head": {"name": "mlp"}, "fusion": {"name": "none"},
        });
        let others = json!({"network": 0.4, "forest": 0.3, "trivial": -0.01});
        Record {
            aam: "1.2.3".to_owned(),
            command: "train".to_owned(),
            settings: settings.as_object().unwrap().clone(),
            study: Some(StudySize {
                samples: 92,
                asvs: 12_345,
            }),
            held_out: Some(HeldOutSize {
                samples: 92,
                folds: Some(5),
                groups: Some(23),
                targets: vec![HeldOutValues {
                    name: "age".to_owned(),
                    classes: Vec::new(),
                    numbers: Some([1.0, 2.0, 3.0]),
                }],
            }),
            figures: vec![RecordedFigure {
                name: "r2".to_owned(),
                value: Some(0.5),
                lower: Some(0.4),
                upper: Some(0.6),
                others: others.as_object().unwrap().clone(),
            }],
            ..Record::default()
        }
    }

    #[test]
    fn the_paragraph_says_what_the_record_holds() {
        let text = Text::of(&record(), &Gathered::default()).all();
        for words in [
            "age (years) was predicted from the reads of 12\u{202f}345 amplicon sequence variants (ASVs) in 92 samples with aam (Attention All Microbes), version 1.2.3.",
            "Samples were rarefied to 1000 reads.",
            "The prediction is the mean of 3 methods: a neural network that reads the sequences of the ASVs (head mlp); kernel [",
            "(Suykens & Vandewalle 1999); forest:trees=300 [",
            "in 5-fold cross-validation; samples with the same subject were kept together, 23 groups.",
            "bootstrap resamples of whole groups (subject) (Efron 1979)",
            "R² was 0.500 (95 % interval 0.400 to 0.600); for comparison, forest 0.300, trivial guess −0.0100.",
            "from the seed 42.",
            "aam (Attention All Microbes), version 1.2.3. Computer program.",
            "Geurts P, Ernst D, Wehenkel L.",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.contains("chosen on training samples alone"), "{text}");
        let mut stopped = record();
        stopped.settings.insert("patience".to_owned(), 3.into());
        let stopped = Text::of(&stopped, &Gathered::default()).all();
        assert!(
            stopped.contains("after 3 epochs without improvement"),
            "{stopped}"
        );
        assert!(
            !text.contains("conformal"),
            "there are no intervals: {text}"
        );
    }

    #[test]
    fn a_record_of_an_older_run_has_a_shorter_paragraph() {
        let older = Record {
            command: "train".to_owned(),
            samples: Some((32, 8)),
            figures: record().figures,
            ..Record::default()
        };
        let text = Text::of(&older, &Gathered::default()).all();
        assert!(text.contains("in 40 samples"), "{text}");
        assert!(
            text.contains("trained on 32 samples and evaluated on 8 held-out samples"),
            "{text}"
        );
    }

    #[test]
    fn a_forest_is_not_a_network() {
        let mut forest = record();
        forest.command = "rf-baseline".to_owned();
        forest.settings.insert("trees".to_owned(), 20.into());
        let text = Text::of(&forest, &Gathered::default()).all();
        assert!(
            text.contains("a Random Forest of 20 trees on relative abundances (Breiman 2001)"),
            "{text}"
        );
        assert!(!text.contains("neural network"), "{text}");
    }
}
