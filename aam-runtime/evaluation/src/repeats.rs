//! Metadata columns that group related samples: subjects, cages, sites.

use std::collections::{HashMap, HashSet};

use aam_core::text::counted;
use aam_data::{Column, ColumnKind, Metadata, Split};

use super::association::{agreement, variance_explained};
use super::groups::Groups;

/// Minimum number of values of a column; with fewer, it more likely describes a condition under
/// study than the origin of samples. Four if its name suggests a sampling unit, eight otherwise.
const FEWEST_VALUES: [usize; 2] = [4, 8];
/// Mean number of samples per value from which a column is taken for repeats if its name does not
/// suggest it.
const REPEATS: usize = 2;
/// Share of samples that must share their value with another if the name suggests a unit.
const SHARED: f64 = 0.1;
/// Share of the samples, or of the variance, from which a column is said to determine a target.
const DETERMINES: f64 = 0.98;
/// Maximum number of distinct numbers of a target that may be classes.
const MOST_CLASSES: usize = 10;
/// Values per class from which a column may contain subjects that each have one class.
const SUBJECTS_OF_A_CLASS: usize = 3;

/// A column whose values several samples share.
#[derive(Clone, Debug)]
pub struct Repeats {
    /// Its name.
    pub column: String,
    /// Number of values.
    pub values: usize,
    /// Number of values that several samples share.
    pub repeated: usize,
    /// Number of samples that share their value with another.
    pub samples: usize,
    /// Whether its name suggests a unit that is sampled repeatedly.
    pub names_a_unit: bool,
    /// The group of each sample.
    groups: Groups,
    /// How strongly the name suggests a unit.
    rank: usize,
}

impl Repeats {
    /// Describes the column in one line.
    pub fn described(&self) -> String {
        format!(
            "column '{}' has {} for {}, {} of them shared by several samples",
            self.column,
            counted(self.values, "value"),
            counted(self.groups.of.len(), "sample"),
            self.repeated
        )
    }
}

/// The columns that look like subjects or sites sampled repeatedly, among the samples `ids`, the
/// likeliest first.
///
/// Columns of `targets`, times and measurements are excluded, as are columns equivalent to a target,
/// such as the kind of a disease, whose groups would be the classes. Subjects that each have a single
/// class are included.
pub fn repeated_columns(metadata: &Metadata, ids: &[String], targets: &[String]) -> Vec<Repeats> {
    let is_target = |column: &&Column| targets.iter().any(|name| name.trim() == column.name);
    let targets: Vec<Target<'_>> = metadata
        .columns()
        .iter()
        .filter(is_target)
        .filter_map(|column| Target::of(metadata, column, ids))
        .collect();
    let columns = metadata.columns().iter();
    let mut found: Vec<Repeats> = columns
        .filter(|column| !is_target(column) && names_units(column))
        .filter_map(|column| repeated(metadata, column, ids))
        .filter(|repeats| !targets.iter().any(|target| target.is_said_by(repeats)))
        .collect();
    // Coarser columns come first: keeping their groups whole also keeps those of finer columns
    // whole.
    found.sort_by_key(|repeats| (std::cmp::Reverse(repeats.rank), repeats.values));
    found
}

/// Warns about the likeliest such column that has samples with the same value on both sides of
/// `split`.
pub fn warning(
    metadata: &Metadata,
    ids: &[String],
    split: &Split,
    targets: &[String],
) -> Option<String> {
    let columns = repeated_columns(metadata, ids, targets);
    let repeats = columns
        .into_iter()
        .find(|repeats| repeats.groups.shared(split))?;
    let described = repeats.described();
    Some(format!(
        "{described}, and samples with the same value are on both sides of the split: if they are repeats (of a subject, a site, a study), the metrics are too optimistic; keep them together with --group-column {}",
        repeats.column
    ))
}

fn repeated(metadata: &Metadata, column: &Column, ids: &[String]) -> Option<Repeats> {
    let texts = metadata.texts(&column.name, ids).ok()?;
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for text in texts.iter().flatten() {
        *counts.entry(text).or_default() += 1;
    }
    let known: usize = counts.values().sum();
    let several = counts.values().filter(|count| **count > 1);
    let (values, repeated) = (counts.len(), several.clone().count());
    let samples: usize = several.sum();
    let unit = is_unit(&column.name);
    let enough = match unit {
        true => repeated > 1 && samples as f64 >= SHARED * known as f64,
        // Columns with fewer values, such as decades of age, describe samples.
        false => known >= REPEATS * values && values * values >= known,
    };
    let usable = 2 * known > ids.len() && values >= FEWEST_VALUES[usize::from(!unit)];
    (enough && usable).then(|| Repeats {
        column: column.name.clone(),
        values,
        repeated,
        samples,
        names_a_unit: unit,
        groups: Groups::of_values(&texts),
        rank: 2 * usize::from(unit) + usize::from(is_id(&column.name)),
    })
}

/// A target.
struct Target<'a> {
    texts: Vec<Option<&'a str>>,
    /// Its values, if numeric.
    numbers: Option<Vec<Option<f64>>>,
}

impl<'a> Target<'a> {
    fn of(metadata: &'a Metadata, column: &Column, ids: &[String]) -> Option<Self> {
        let texts = metadata.texts(&column.name, ids).ok()?;
        let values: HashSet<&str> = texts.iter().flatten().copied().collect();
        let many = column.kind == ColumnKind::Numeric && values.len() > MOST_CLASSES;
        let numbers = many.then(|| metadata.numbers(&column.name, ids).ok());
        Some(Self {
            texts,
            numbers: numbers.flatten(),
        })
    }

    /// Whether the column nearly determines the target and does not consist of subjects that have
    /// one value each.
    fn is_said_by(&self, repeats: &Repeats) -> bool {
        let unit = is_unit(&repeats.column);
        if let Some(numbers) = &self.numbers {
            let known = numbers.iter().zip(&repeats.groups.of);
            let (of, values): (Vec<Option<usize>>, Vec<f64>) = known
                .filter_map(|(number, group)| Some((Some(*group), (*number)?)))
                .unzip();
            return variance_explained(&of, &values) >= DETERMINES && !unit;
        }
        let classes = Groups::of_values(&self.texts);
        let known = self.texts.iter().zip(&classes.of);
        let known: Vec<Option<usize>> = known.map(|(text, class)| text.map(|_| *class)).collect();
        let groups: Vec<Option<usize>> = repeats.groups.of.iter().copied().map(Some).collect();
        if agreement(&groups, &known).is_none_or(|(share, _)| share < DETERMINES) {
            return false;
        }
        let mut groups_of_class: HashMap<usize, HashSet<usize>> = HashMap::new();
        for (group, class) in repeats.groups.of.iter().zip(&known) {
            if let Some(class) = class {
                groups_of_class.entry(*class).or_default().insert(*group);
            }
        }
        let fewest = groups_of_class.values().map(HashSet::len).min();
        let subjects = fewest.is_some_and(|fewest| fewest > 1)
            && repeats.values >= SUBJECTS_OF_A_CLASS * groups_of_class.len();
        !(unit && subjects)
    }
}

/// Words for units that are sampled repeatedly.
const UNITS: [&str; 19] = [
    "subject",
    "patient",
    "participant",
    "individual",
    "person",
    "donor",
    "family",
    "household",
    "animal",
    "mouse",
    "cage",
    "infant",
    "child",
    "baby",
    "site",
    "plot",
    "study",
    "batch",
    "station",
];

/// Words for sampling times.
const TIMES: [&str; 6] = ["date", "time", "week", "month", "day", "year"];

/// Final words of names of identifier columns.
const IDS: [&str; 7] = ["id", "ids", "no", "nr", "number", "code", "name"];

/// Whether the name of a column suggests a unit that is sampled repeatedly. Many properties of a host
/// also begin with `host_`.
fn is_unit(name: &str) -> bool {
    let name = name.to_lowercase();
    let host: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    UNITS.iter().any(|unit| name.contains(unit)) || ["host", "hostid"].contains(&host.as_str())
}

/// Whether a column of this name contains ids.
fn is_id(name: &str) -> bool {
    let name = name.to_lowercase();
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).next();
    last.is_some_and(|last| IDS.contains(&last))
        || is_unit(&name) && IDS.iter().any(|end| name.ends_with(end))
}

/// Whether the values may be names rather than measurements.
fn names_units(column: &Column) -> bool {
    let name = column.name.to_lowercase();
    if TIMES.iter().any(|time| name.contains(time)) {
        return false;
    }
    match column.kind {
        ColumnKind::Categorical => true,
        ColumnKind::Numeric => is_id(&name) || (is_unit(&name) && whole(column)),
    }
}

fn whole(column: &Column) -> bool {
    let mut values = column.known();
    values.all(|value| value.parse().is_ok_and(|value: f64| value.fract() == 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(columns: &[(&str, &str)]) -> (Metadata, Vec<String>) {
        let cells: Vec<Vec<&str>> = columns
            .iter()
            .map(|(_, values)| values.split(' ').collect())
            .collect();
        let ids: Vec<String> = (0..cells[0].len()).map(|row| format!("s{row}")).collect();
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let mut text = format!("id\t{}\n", names.join("\t"));
        for (row, id) in ids.iter().enumerate() {
            let cells: Vec<&str> = cells.iter().map(|column| column[row]).collect();
            text.push_str(&format!("{id}\t{}\n", cells.join("\t")));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.tsv");
        std::fs::write(&path, text).unwrap();
        (aam_data::read_metadata(&path).unwrap(), ids)
    }

    fn names(columns: &[(&str, &str)], target: &str) -> Vec<String> {
        let (metadata, ids) = metadata(columns);
        let found = repeated_columns(&metadata, &ids, &[target.to_owned()]);
        found.into_iter().map(|repeats| repeats.column).collect()
    }

    #[test]
    fn repeated_subjects_are_noticed_unless_kept_together() {
        let (metadata, ids) = metadata(&[
            ("sex", "f f m m f f m m"),
            ("week", "1 2 3 4 1 2 3 4"),
            ("subject", "a a b b c c d d"),
        ]);
        let across = Split {
            train: vec![0, 2, 4, 6],
            validation: vec![1, 3, 5, 7],
        };
        let within = Split {
            train: vec![0, 1, 2, 3],
            validation: vec![4, 5, 6, 7],
        };
        let text = warning(&metadata, &ids, &across, &[]).unwrap();
        assert!(
            text.contains(
                "column 'subject' has 4 values for 8 samples, 4 of them shared by several samples"
            ),
            "{text}"
        );
        assert!(text.contains("--group-column subject"), "{text}");
        assert_eq!(warning(&metadata, &ids, &within, &[]), None);
        let subject = ["subject".to_owned()];
        assert_eq!(warning(&metadata, &ids, &across, &subject), None);
    }

    #[test]
    fn ids_come_before_what_is_coarser() {
        let columns = [
            ("body_site", "a b c d e f g h a b c d e f g h"),
            ("host_subject_id", "1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8"),
            ("family", "k k k k l l l l m m m m n n n n"),
        ];
        let found = names(&columns, "");
        assert_eq!(found, ["host_subject_id", "family", "body_site"]);
    }

    #[test]
    fn few_repeats_of_a_subject_are_enough() {
        let columns = [
            ("patient_id", "1 1 2 2 3 4 5 6 7 8 9 10 11 12"),
            ("x", "a b a b a b a b a b a b a b"),
        ];
        assert_eq!(names(&columns, ""), ["patient_id"]);
        let columns = [("patient_id", "1 2 3 4 5 6 7 8 9 10 11 12")];
        assert_eq!(names(&columns, ""), [""; 0]);
    }

    #[test]
    fn columns_equivalent_to_the_target_are_not_subjects() {
        let disease = "ill ill ill ill ill ill well well well well well well";
        // Kinds of a disease determine it, so their groups would be its classes.
        let kind = "A A B B C C none none none none none none";
        assert_eq!(
            names(&[("disease", disease), ("batch_kind", kind)], "disease"),
            [""; 0]
        );
        assert_eq!(
            names(&[("disease", disease), ("batch_kind", kind)], ""),
            ["batch_kind"]
        );
        // Subjects also determine it if each has one class.
        let subjects = "1 1 2 2 3 3 4 4 5 5 6 6";
        assert_eq!(
            names(&[("disease", disease), ("subject", subjects)], "disease"),
            ["subject"]
        );
    }
}
