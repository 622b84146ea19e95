//! Samples in the plane of their first two principal coordinates, with what is known about them.

use aam_core::text::cell;

/// An ordination of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordination {
    /// Ids of the samples.
    pub samples: Vec<String>,
    /// The place of each sample.
    pub places: Vec<[f64; 2]>,
    /// The share of the squared distances along each axis.
    pub shares: [f64; 2],
    /// Number of ASVs whose log-ratios are compared.
    pub asvs: usize,
    /// What is known about the samples.
    pub columns: Vec<OrdinationColumn>,
}

/// A metadata column of an ordination.
#[derive(Clone, Debug, PartialEq)]
pub struct OrdinationColumn {
    /// Its name.
    pub name: String,
    /// What it is in the run.
    pub role: Role,
    /// Its values.
    pub values: ColumnValues,
    /// The adjusted share of all squared distances that it explains, if defined.
    pub of_all: Option<f64>,
    /// The same of squared distances in the plane.
    pub of_plane: Option<f64>,
}

/// What a column is in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is predicted.
    Target,
    /// Its values are batches.
    Batch,
    /// Samples with one value stay together.
    Group,
}

/// The values of a column; `None` where there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Numbers.
    Numbers(Vec<Option<f64>>),
    /// Classes or groups.
    Groups {
        /// Their names.
        names: Vec<String>,
        /// The index of that of each sample.
        of: Vec<Option<usize>>,
    },
}

impl ColumnValues {
    /// The value of `sample` as text, if there is one.
    pub fn text(&self, sample: usize) -> Option<String> {
        match self {
            Self::Numbers(numbers) => numbers[sample].map(|number| number.to_string()),
            Self::Groups { names, of } => of[sample].map(|group| names[group].clone()),
        }
    }
}

impl Ordination {
    /// The contents of `ordination.tsv`: `sample-id`, `PC1`, `PC2` and the columns.
    pub fn tsv(&self) -> String {
        let mut text = "sample-id\tPC1\tPC2".to_owned();
        for column in &self.columns {
            text.push('\t');
            text.push_str(&cell(&column.name));
        }
        text.push('\n');
        for (sample, (id, place)) in self.samples.iter().zip(&self.places).enumerate() {
            text.push_str(&format!("{}\t{}\t{}", cell(id), place[0], place[1]));
            for column in &self.columns {
                let value = column.values.text(sample).unwrap_or_default();
                text.push('\t');
                text.push_str(&cell(&value));
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_coordinates_and_the_columns() {
        let column = |name: &str, role, values| OrdinationColumn {
            name: name.to_owned(),
            role,
            values,
            of_all: Some(0.5),
            of_plane: None,
        };
        let groups = ColumnValues::Groups {
            names: vec!["a\tb".to_owned()],
            of: vec![None, Some(0)],
        };
        let ordination = Ordination {
            samples: vec!["s1".to_owned(), "#2".to_owned()],
            places: vec![[0.5, -1.0], [2.0, 0.25]],
            shares: [0.75, 0.25],
            asvs: 2,
            columns: vec![
                column(
                    "age",
                    Role::Target,
                    ColumnValues::Numbers(vec![Some(7.5), None]),
                ),
                column("plate", Role::Batch, groups),
            ],
        };
        assert_eq!(
            ordination.tsv(),
            "sample-id\tPC1\tPC2\tage\tplate\ns1\t0.5\t-1\t7.5\t\n\"#2\"\t2\t0.25\t\t\"a\tb\"\n"
        );
    }
}
