//! The record of a comparison in its directory, used to resume it: its settings and the result of
//! each run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::combination::{Combination, SETTINGS};
use super::options::CompareOptions;
use super::table::FoldResult;
use aam_data::bounded::read_file;
use aam_evaluation::metrics::Metric;
use aam_run::RunError;
use aam_run::run_directory::write_whole;
use aam_run::settings;
use aam_train::checkpoint::directory::{MANIFEST, checkpoint_of};

/// Maximum size of a record file in bytes.
const LONGEST: u64 = 64 << 20;

/// Settings that may change between the folds of one model, but not between models that are compared.
const OF_BATCHES: [&str; 2] = ["batch-size", "gradient-accumulation-steps"];

/// The settings common to all runs of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ComparisonFingerprint {
    /// The version of `aam`.
    aam: String,
    /// The settings, without components and those that name a file.
    settings: Map<String, Value>,
    /// SHA-256 of the files named by the other settings.
    files: Map<String, Value>,
}

impl ComparisonFingerprint {
    /// The fingerprint of `options`. The combinations determine which settings are components.
    pub(super) fn new(options: &CompareOptions, combinations: &[Combination]) -> Self {
        let mut settings = settings::bearing::<CompareOptions>(settings::table(options));
        for (axis, _) in combinations.iter().flat_map(Combination::axes) {
            settings.shift_remove(axis);
        }
        if matches!(combinations, [one] if one.is_as_given()) {
            settings.retain(|name, _| !OF_BATCHES.contains(&name.as_str()));
        }
        // Files are identified by their contents, not their paths.
        let mut files = Map::new();
        for name in settings::names::<CompareOptions>(|facts| facts.file.is_some()) {
            let path = settings.get(&name).and_then(Value::as_str);
            if let Some(print) = path.and_then(|path| fingerprint(Path::new(path))) {
                settings.shift_remove(&name);
                files.insert(name, print.into());
            }
        }
        let folds = options.number_of_folds();
        settings.insert("folds".to_owned(), folds.into());
        Self {
            aam: env!("CARGO_PKG_VERSION").to_owned(),
            settings,
            files,
        }
    }

    /// Adds a setting of the search itself.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.settings.insert(name.to_owned(), value);
        self
    }

    /// The differences from the record of an older comparison, a phrase per setting.
    fn differences(&self, older: &Self) -> Vec<String> {
        let mut all = Vec::new();
        if self.aam != older.aam {
            all.push(format!("aam was {} and is now {}", older.aam, self.aam));
        }
        let mut older_settings = settings::bearing::<CompareOptions>(older.settings.clone());
        if !self.settings.contains_key(OF_BATCHES[0]) {
            older_settings.retain(|name, _| !OF_BATCHES.contains(&name.as_str()));
        }
        all.extend(
            differing(&self.settings, &older_settings)
                .map(|(name, now, then)| format!("--{name} was {then} and is now {now}")),
        );
        all.extend(
            differing(&self.files, &older.files)
                .map(|(name, _, _)| format!("--{name} has different contents")),
        );
        all
    }

    /// Reads the record of the comparison in `path`, if any.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, RunError> {
        read(path)
    }

    /// Checks that an older comparison has the same settings.
    ///
    /// # Errors
    /// It has other settings; the error names them.
    pub(super) fn check(&self, older: &Self, directory: &Path) -> Result<(), RunError> {
        match self.differences(older).as_slice() {
            [] => Ok(()),
            differences => Err(other_settings(directory, &differences.join(", "))),
        }
    }

    /// Writes the record.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write(&self, path: &Path) -> Result<(), RunError> {
        write(path, self)
    }
}

/// The error of a directory whose runs have other settings.
fn other_settings(directory: &Path, difference: &str) -> RunError {
    let problem = format!(
        "the run in this directory has different settings: {difference}\n  help: use the same settings to resume it, choose another directory, or start over with --overwrite"
    );
    RunError::value("output-dir", directory.display().to_string(), problem)
}

/// The names whose values differ, with the new and the old value.
fn differing<'a>(
    now: &'a Map<String, Value>,
    then: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, String, String)> {
    let only_then = then.keys().filter(|name| !now.contains_key(*name));
    // Settings that an older version did not have count as not given, and so do empty lists.
    fn is_given(value: &&Value) -> bool {
        match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        }
    }
    let given = |settings: &'a Map<String, Value>, name: &str| settings.get(name).filter(is_given);
    now.keys().chain(only_then).filter_map(move |name| {
        let (now, then) = (given(now, name), given(then, name));
        (now != then).then(|| (name.as_str(), shown(now), shown(then)))
    })
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "not given".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// SHA-256 of a file, or of the manifest of a checkpoint, which contains the hashes of its other
/// files. `None` for anything else.
fn fingerprint(path: &Path) -> Option<String> {
    let path = match path.is_dir() {
        true => checkpoint_of(path).join(MANIFEST),
        false => path.to_owned(),
    };
    let hash = Sha256::digest(read_file(&path, u64::MAX).ok()?);
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `result.json` of a completed run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RunRecord {
    components: Value,
    fold: usize,
    epochs: usize,
    seconds: f64,
    parameters: (usize, usize),
    /// Non-finite metrics are null.
    metrics: Vec<(String, Option<f64>)>,
    /// Metrics of other methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<(String, Option<f64>)>,
}

/// Reads the result of a run of `combination`, if it is complete.
///
/// # Errors
/// A damaged file, or a run of components with other options.
pub(super) fn read_result(
    path: &Path,
    combination: &Combination,
    directory: &Path,
) -> Result<Option<FoldResult>, RunError> {
    let Some(record) = read::<RunRecord>(path)? else {
        return Ok(None);
    };
    let now = combination.to_json();
    let empty = Map::new();
    let table = |value: &Value, kind: &str| {
        let table = value.get(kind).and_then(Value::as_object);
        table.unwrap_or(&empty).clone()
    };
    for (kind, _) in combination.components() {
        let (now, then) = (table(&now, kind), table(&record.components, kind));
        let difference =
            differing(&now, &then).map(|(option, now, then)| (option.to_owned(), now, then));
        if let Some((option, now, then)) = difference.into_iter().next() {
            let difference = format!("--{kind}.{option} was {then} and is now {now}");
            return Err(other_settings(directory, &difference));
        }
    }
    for (name, value) in combination.varied() {
        let then = record.components.get(name);
        if then.unwrap_or(&Value::Null) != value {
            let (then, now) = (shown(then), shown(Some(value)));
            let difference = format!("--{name} was {then} and is now {now}");
            return Err(other_settings(directory, &difference));
        }
    }
    if combination.settings().is_some() {
        let (now, then) = (table(&now, SETTINGS), table(&record.components, SETTINGS));
        if let Some((setting, now, then)) = differing(&now, &then).next() {
            let difference = format!(
                "{setting} was {then} and is now {now} in the run of this file: {}",
                path.display()
            );
            return Err(other_settings(directory, &difference));
        }
    }
    Ok(Some(FoldResult {
        fold: record.fold,
        epochs: record.epochs,
        seconds: record.seconds,
        parameters: record.parameters,
        metrics: of_record(record.metrics),
        others: of_record(record.others),
    }))
}

fn of_record(metrics: Vec<(String, Option<f64>)>) -> Vec<Metric> {
    let metrics = metrics.into_iter();
    metrics
        .map(|(name, value)| Metric {
            name,
            value: value.unwrap_or(f64::NAN),
        })
        .collect()
}

/// Writes the result of a run.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write_result(
    path: &Path,
    combination: &Combination,
    result: &FoldResult,
) -> Result<(), RunError> {
    let recorded = |metrics: &[Metric]| {
        let metrics = metrics.iter();
        metrics
            .map(|metric| (metric.name.clone(), Some(metric.value)))
            .collect()
    };
    let record = RunRecord {
        components: combination.to_json(),
        fold: result.fold,
        epochs: result.epochs,
        seconds: result.seconds,
        parameters: result.parameters,
        metrics: recorded(&result.metrics),
        others: recorded(&result.others),
    };
    write(path, &record)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<T>, RunError> {
    let text = match read_file(path, LONGEST) {
        Ok(text) => text,
        Err(_) if !path.exists() => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let value = serde_json::from_slice(&text).map_err(|error| unreadable(path, &error))?;
    Ok(Some(value))
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> RunError {
    RunError::Usage(format!(
        "{}: this file of an older run cannot be read ({error})\n  help: remove it to repeat the run",
        path.display()
    ))
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), RunError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| RunError::write(PathBuf::from(path))(error.into()))?;
    write_whole(path, &(text + "\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aam_api::Choice;

    use super::*;

    fn combination(hidden: usize) -> Combination {
        let mut head = Choice::named("one");
        head.options.insert("hidden".to_owned(), hidden.into());
        Combination::grid(&[("head".to_owned(), vec![head])]).remove(0)
    }

    #[test]
    fn other_settings_are_named_and_other_places_do_not_matter() {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = place.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let mut options = CompareOptions::default();
        options.train.data.table = Some(file("a.biom", "table"));
        let asked =
            |options: &CompareOptions| ComparisonFingerprint::new(options, &[combination(8)]);
        let first = asked(&options);
        options.train.data.table = Some(file("b.biom", "table"));
        options.train.optimization.output_dir = Some("elsewhere".into());
        options.train.split.folds = Some(5);
        assert_eq!(asked(&options).differences(&first), Vec::<String>::new());
        let mut older = asked(&options);
        assert!(older.settings.shift_remove("augmentation").is_some());
        assert_eq!(asked(&options).differences(&older), Vec::<String>::new());
        options.train.data.table = Some(file("c.biom", "another"));
        options.train.optimization.epochs = Some(7);
        assert_eq!(
            asked(&options).differences(&first),
            [
                "--epochs was not given and is now 7",
                "--table has different contents"
            ]
        );
    }

    #[test]
    fn a_result_is_read_back_and_belongs_to_its_components() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("result.json");
        let result = FoldResult {
            fold: 2,
            epochs: 5,
            seconds: 1.5,
            parameters: (3, 4),
            metrics: vec![Metric {
                name: "r2".to_owned(),
                value: f64::NAN,
            }],
            others: vec![Metric {
                name: "trivial:r2".to_owned(),
                value: -0.5,
            }],
        };
        let read = |hidden| read_result(&path, &combination(hidden), place.path());
        assert!(read(8).unwrap().is_none());
        write_result(&path, &combination(8), &result).unwrap();
        let back = read(8).unwrap().unwrap();
        assert_eq!((back.fold, back.parameters), (2, (3, 4)));
        assert!(back.metrics[0].value.is_nan());
        assert_eq!(back.others, result.others);
        let error = read(16).unwrap_err().to_string();
        assert!(
            error.contains("--head.hidden was 8 and is now 16"),
            "{error}"
        );
        fs::write(&path, "{").unwrap();
        assert!(read(8).is_err());
    }
}
