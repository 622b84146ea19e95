//! All that was found out of a model and its samples, for the files and the page.

use aam_data::Table;
use aam_evaluation::differential::Difference;
use aam_evaluation::results::RawColumn;

use super::clades::Clade;
use super::dependence::Dependence;
use super::importance::{Importance, Totals};
use super::labels::Labels;
use super::names::Names;
use super::shuffled::Shuffled;
use super::walks::Attributed;

/// What is explained.
pub struct Explained {
    /// Name of the target.
    pub target: String,
    /// Names of all its classes; none of a number.
    pub classes: Option<Vec<String>>,
    /// Which of them are explained, in the order of the outputs; none of a number.
    pub of_classes: Vec<usize>,
    /// The whole first, then its members.
    pub methods: Vec<&'static str>,
}

impl Explained {
    /// What each output is: the target, or a class.
    pub fn outputs(&self) -> Vec<&str> {
        match &self.classes {
            None => vec![self.target.as_str()],
            Some(classes) => self
                .of_classes
                .iter()
                .map(|&class| classes[class].as_str())
                .collect(),
        }
    }

    /// What is predicted as an output.
    pub fn predicted(&self, output: usize) -> String {
        match &self.classes {
            None => self.target.clone(),
            Some(_) => format!("probability of {}", self.outputs()[output]),
        }
    }

    /// What more reads do; nothing where they do nothing.
    pub fn direction(&self, importance: &Importance) -> String {
        let verb = match importance.slope {
            slope if slope > 0.0 => "raises",
            slope if slope < 0.0 => "lowers",
            _ => return String::new(),
        };
        format!("{verb} {}", self.outputs()[importance.output])
    }
}

/// An ASV of the samples: how common it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Commonness {
    /// Share of the samples that have it.
    pub prevalence: f64,
    /// Its mean share of the reads.
    pub abundance: f64,
    /// The same of the samples of each class.
    pub by_class: Vec<f64>,
}

impl Commonness {
    /// That of all ASVs of `table`; by class where `labels` are classes.
    pub fn of(table: &Table, labels: Option<&Labels>) -> Vec<Self> {
        let classes = labels.and_then(|labels| labels.column.classes.as_ref());
        let number = classes.map_or(0, Vec::len);
        let none = Self {
            prevalence: 0.0,
            abundance: 0.0,
            by_class: vec![0.0; number],
        };
        let mut all = vec![none; table.num_features()];
        let mut sizes = vec![0f64; number];
        for row in 0..table.num_samples() {
            let class = labels
                .and_then(|labels| labels.of(row))
                .map(|class| class as usize);
            let class = class.filter(|class| *class < number);
            if let Some(class) = class {
                sizes[class] += 1.0;
            }
            let depth = table.depth(row).max(1) as f64;
            let (columns, counts) = table.row(row);
            for (&column, &count) in columns.iter().zip(counts) {
                let of = &mut all[column as usize];
                let share = f64::from(count) / depth;
                of.prevalence += 1.0;
                of.abundance += share;
                if let Some(class) = class {
                    of.by_class[class] += share;
                }
            }
        }
        let samples = table.num_samples().max(1) as f64;
        for of in &mut all {
            of.prevalence /= samples;
            of.abundance /= samples;
            for (share, size) in of.by_class.iter_mut().zip(&sizes) {
                *share /= size.max(1.0);
            }
        }
        all
    }
}

/// A group of ASVs and how much it matters.
pub struct GroupFound {
    /// What it is called.
    pub name: String,
    /// Its ASVs, as columns of the table.
    pub columns: Vec<u32>,
    /// How much they matter together.
    pub importance: Importance,
}

impl GroupFound {
    /// Those of `clades`, the most important first.
    pub fn all(clades: Vec<Clade>, totals: &Totals<'_>) -> Vec<Self> {
        let columns: Vec<Vec<u32>> = clades.iter().map(|clade| clade.columns.clone()).collect();
        let importance = totals.importance(&columns);
        let order = super::importance::order(&importance);
        let mut all: Vec<Option<Self>> = clades
            .into_iter()
            .zip(importance)
            .map(|(clade, importance)| {
                Some(Self {
                    name: clade.name,
                    columns: clade.columns,
                    importance,
                })
            })
            .collect();
        order
            .into_iter()
            .filter_map(|place| all[place].take())
            .collect()
    }
}

/// All that was found.
pub struct Findings<'a> {
    /// The samples.
    pub table: &'a Table,
    /// What is explained.
    pub explained: Explained,
    /// Names of the ASVs.
    pub names: Names,
    /// What each ASV adds to each sample.
    pub samples: &'a [Attributed],
    /// How much each ASV matters, in the order of the table.
    pub importance: Vec<Importance>,
    /// ASVs by importance.
    pub order: Vec<usize>,
    /// How common each ASV is.
    pub common: Vec<Commonness>,
    /// What is true of the samples, and the plain test of each ASV.
    pub labels: Option<Labels>,
    /// What the plain test of each ASV found.
    pub tests: Vec<Option<Difference>>,
    /// Genera, the most important first.
    pub genera: Vec<GroupFound>,
    /// Clades, the most important first.
    pub clades: Vec<GroupFound>,
    /// What happened where these groups were shuffled.
    pub shuffled: Option<(Vec<Clade>, Shuffled)>,
    /// How the prediction depends on these ASVs.
    pub dependences: Vec<(usize, Dependence)>,
}

impl Findings<'_> {
    /// Ids of the samples that are explained.
    pub fn sample_id(&self, of: &Attributed) -> &str {
        &self.table.sample_ids()[of.row]
    }

    /// The mean over samples of how much of what ASVs add depends on the others.
    pub fn interplay(&self) -> f64 {
        let all: f64 = self.samples.iter().map(|of| of.interplay).sum();
        all / self.samples.len().max(1) as f64
    }

    /// The value of the sample at `row` in words; nothing where it is not known.
    pub fn actual(&self, row: usize) -> Option<String> {
        let labels = self.labels.as_ref()?;
        Some(words(&labels.column, labels.of(row)?))
    }
}

/// A value of `column` in words.
fn words(column: &RawColumn, value: f64) -> String {
    match &column.classes {
        None => value.to_string(),
        Some(classes) => classes[value as usize].clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_means_over_samples_and_over_those_of_a_class() {
        let ids = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let cells = [(0, 0, 10), (0, 1, 30), (1, 1, 5), (2, 0, 1), (2, 1, 1)];
        let table = Table::from_triplets(ids(&["a", "b", "c"]), ids(&["x", "y"]), &cells).unwrap();
        let labels = Labels {
            column: RawColumn {
                name: "site".to_owned(),
                classes: Some(ids(&["gut", "skin"])),
                values: vec![0.0, 0.0, f64::NAN],
            },
            rows: vec![0, 1],
        };
        let found = Commonness::of(&table, Some(&labels));
        assert_eq!(found[0].prevalence, 2.0 / 3.0);
        assert_eq!(found[0].abundance, 0.25);
        assert_eq!(found[0].by_class, [0.125, 0.0]);
    }
}
