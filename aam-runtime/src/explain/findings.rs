//! All results of an explanation, for the output files and the HTML page.

use aam_data::Table;
use aam_evaluation::differential::Difference;
use aam_evaluation::results::RawColumn;

use super::attention::AttentionFound;
use super::bases::BasesFound;
use super::clades::{Clade, TreeOfAsvs};
use super::dependence::Dependence;
use super::importance::{Importance, Totals};
use super::inputs::InputsFound;
use super::labels::Labels;
use super::names::Names;
use super::shuffled::Shuffled;
use super::walks::Attributed;
use super::worst::Worst;

/// What is explained.
pub struct Explained {
    /// Name of the target.
    pub target: String,
    /// The names of all classes. `None` for a numeric target.
    pub classes: Option<Vec<String>>,
    /// The explained classes, in output order. Empty for a numeric target.
    pub of_classes: Vec<usize>,
    /// The combined prediction first, then the members.
    pub methods: Vec<&'static str>,
}

impl Explained {
    /// The name of each output: the target, or a class.
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

    /// A description of an output.
    pub fn predicted(&self, output: usize) -> String {
        match &self.classes {
            None => self.target.clone(),
            Some(_) => format!("probability of {}", self.outputs()[output]),
        }
    }

    /// The effect of more reads. Empty if there is none.
    pub fn direction(&self, importance: &Importance) -> String {
        let verb = match importance.slope {
            slope if slope > 0.0 => "raises",
            slope if slope < 0.0 => "lowers",
            _ => return String::new(),
        };
        format!("{verb} {}", self.outputs()[importance.output])
    }
}

/// Prevalence and abundance of an ASV in the samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Commonness {
    /// The fraction of the samples that contain the ASV.
    pub prevalence: f64,
    /// The mean relative abundance.
    pub abundance: f64,
    /// The mean relative abundance in the samples of each class.
    pub by_class: Vec<f64>,
}

impl Commonness {
    /// Computes these for all ASVs of `table`, also by class if `labels` are classes.
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

/// A group of ASVs and its importance.
pub struct GroupFound {
    /// The name of the group.
    pub name: String,
    /// Its ASVs, as columns of the table.
    pub columns: Vec<u32>,
    /// The joint importance of the ASVs.
    pub importance: Importance,
}

impl GroupFound {
    /// The importance of `clades`, the most important first.
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

/// All results of an explanation.
pub struct Findings<'a> {
    /// The samples.
    pub table: &'a Table,
    /// What is explained.
    pub explained: Explained,
    /// The names of the ASVs.
    pub names: Names,
    /// The attributions of each sample.
    pub samples: &'a [Attributed],
    /// The held-out samples with the largest errors.
    pub worst: Vec<Worst>,
    /// The importance of each ASV, in table order.
    pub importance: Vec<Importance>,
    /// The ASVs sorted by importance.
    pub order: Vec<usize>,
    /// The prevalence and abundance of each ASV.
    pub common: Vec<Commonness>,
    /// The true values of the samples, if known.
    pub labels: Option<Labels>,
    /// The result of the univariate test of each ASV.
    pub tests: Vec<Option<Difference>>,
    /// Genera, the most important first.
    pub genera: Vec<GroupFound>,
    /// Clades, the most important first.
    pub clades: Vec<GroupFound>,
    /// The tree of the clades, if one is given.
    pub tree: Option<TreeOfAsvs>,
    /// The shuffled groups, and what shuffling them costs.
    pub shuffled: Option<Shuffled>,
    /// The partial dependence on selected ASVs.
    pub dependences: Vec<(usize, Dependence)>,
    /// The importance of inputs besides single ASVs.
    pub inputs: InputsFound,
    /// The attention weights, if requested.
    pub attention: Option<AttentionFound>,
    /// The effects of bases, of the requested ASVs.
    pub bases: Vec<BasesFound>,
}

impl Findings<'_> {
    /// The id of an explained sample.
    pub fn sample_id(&self, of: &Attributed) -> &str {
        &self.table.sample_ids()[of.row]
    }

    /// The name of a clade of the ASVs in `columns`, with their lowest common taxon if it is known.
    pub fn clade_name(&self, name: &str, columns: &[u32]) -> String {
        match self.names.common(columns) {
            Some(taxon) => format!("{name} ({taxon})"),
            None => name.to_owned(),
        }
    }

    /// The mean over samples of the fraction of attributions that depends on other ASVs.
    pub fn interplay(&self) -> f64 {
        let all: f64 = self.samples.iter().map(|of| of.interplay).sum();
        all / self.samples.len().max(1) as f64
    }

    /// The value of the sample at `row` as text. `None` if it is unknown.
    pub fn actual(&self, row: usize) -> Option<String> {
        let labels = self.labels.as_ref()?;
        Some(words(&labels.column, labels.of(row)?))
    }
}

/// A value of `column` as text.
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
