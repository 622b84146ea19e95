//! The fingerprint of a run's settings and data, by which a resumed run checks both.
//!
//! For table and metadata, only the parts that the run uses count, sample by sample: a table
//! rewritten by another program, or with an additional column, is the same data. For trees,
//! distances and sequences, the bytes of the files count.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use aam_api::options::FileUse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::checkpoint::directory::hexadecimal;
use aam_core::DataError;
use aam_core::io_words::unreadable;
use aam_data::bounded::{not_a_file, open_file};
use aam_data::{Conditions, Metadata, Split, Table};
use aam_run::RunError;
use aam_run::settings::{self, Options};

/// The fingerprint of a run's settings and data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunFingerprint {
    /// The settings as given, without defaults.
    pub settings: Map<String, Value>,
    /// SHA-256 of the run's samples in the table.
    table: String,
    /// SHA-256 of the samples' values in each column of the metadata.
    columns: BTreeMap<String, String>,
    /// SHA-256 of the other files, keyed by the settings that name them.
    files: BTreeMap<String, String>,
}

impl RunFingerprint {
    /// Computes the fingerprint of `options` and the samples of `split`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn new<T: Options>(
        options: &T,
        table: &Table,
        metadata: Option<&Metadata>,
        split: &Split,
    ) -> Result<Self, RunError> {
        let settings = settings::table(options);
        let rows: Vec<usize> = split
            .train
            .iter()
            .chain(&split.validation)
            .copied()
            .collect();
        let ids: Vec<String> = rows
            .iter()
            .map(|&row| table.sample_ids()[row].clone())
            .collect();
        let mut columns = BTreeMap::new();
        if let Some(metadata) = metadata {
            let words = words(&settings);
            let used = metadata.columns().iter().map(|column| &column.name);
            for name in used.filter(|name| words.iter().any(|word| word == *name)) {
                columns.insert(name.clone(), of_column(metadata, name, &ids)?);
            }
        }
        let mut files = BTreeMap::new();
        for name in settings::names::<T>(|facts| facts.file == Some(FileUse::ReadWhole)) {
            if let Some(path) = settings.get(&name).and_then(Value::as_str) {
                let print = of_file(Path::new(path))?;
                files.insert(name, print);
            }
        }
        Ok(Self {
            table: of_table(table, &rows),
            columns,
            files,
            settings,
        })
    }

    /// Checks that the data are the same as in `before`.
    ///
    /// # Errors
    /// The file that changed.
    pub fn check(&self, before: &Self) -> Result<(), RunError> {
        let file = |name: &str| match self.settings.get(name).and_then(Value::as_str) {
            Some(path) => format!("--{name} {path}"),
            None => format!("--{name}"),
        };
        let changed = |what: String| {
            let error = DataError::new(format!(
                "{what} since the run started; a run can only be resumed with the same data"
            ));
            let help = "restore the data, or start a new run in another --output-dir";
            Err(error.help(help).into())
        };
        for (name, print) in &before.columns {
            if self.columns.get(name).is_some_and(|now| now != print) {
                let file = file("metadata");
                return changed(format!("{file}: column '{name}' has changed"));
            }
        }
        for (name, print) in &before.files {
            if self.files.get(name) != Some(print) {
                return changed(format!("{}: the file has changed", file(name)));
            }
        }
        if self.table != before.table {
            let file = file("table");
            return changed(format!(
                "{file}: the counts or ASVs of the samples have changed"
            ));
        }
        Ok(())
    }
}

/// The words in settings: strings, and their parts separated by commas, colons and equals signs.
fn words(settings: &Map<String, Value>) -> Vec<String> {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                words.push(text.clone());
                words.extend(
                    text.split([',', ':', '='])
                        .map(|word| word.trim().to_owned()),
                );
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
            Value::Object(table) => {
                for (key, value) in table {
                    words.push(key.clone());
                    collect(value, words);
                }
            }
            _ => {}
        }
    }
    let mut words = Vec::new();
    settings
        .values()
        .for_each(|value| collect(value, &mut words));
    let conditions = settings.get("where").and_then(Value::as_str);
    if let Some(Ok(conditions)) = conditions.map(Conditions::parse) {
        words.extend(conditions.columns().map(str::to_owned));
    }
    words
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
}

fn of_table(table: &Table, rows: &[usize]) -> String {
    let mut hash = Sha256::new();
    let names = table.feature_ids();
    for &row in rows {
        add_text(&mut hash, &table.sample_ids()[row]);
        let (features, counts) = table.row(row);
        hash.update((features.len() as u64).to_le_bytes());
        for (&feature, count) in features.iter().zip(counts) {
            add_text(&mut hash, &names[feature as usize]);
            hash.update(count.to_le_bytes());
        }
    }
    hexadecimal(&hash.finalize())
}

fn of_column(metadata: &Metadata, name: &str, ids: &[String]) -> Result<String, RunError> {
    let mut hash = Sha256::new();
    for text in metadata.texts_as_written(name, ids)? {
        hash.update([u8::from(text.is_some())]);
        add_text(&mut hash, text.unwrap_or_default());
    }
    Ok(hexadecimal(&hash.finalize()))
}

fn of_file(path: &Path) -> Result<String, RunError> {
    let read = || {
        let mut hash = Sha256::new();
        // Data from a pipe are gone, so nothing is known about them.
        if not_a_file(&path.metadata()?).is_some() {
            return Ok(hexadecimal(&hash.finalize()));
        }
        let mut file = open_file(path)?;
        let mut block = vec![0; 1 << 16];
        loop {
            match file.read(&mut block)? {
                0 => return Ok(hexadecimal(&hash.finalize())),
                length => hash.update(&block[..length]),
            }
        }
    };
    read().map_err(|error: io::Error| unreadable(path, &error).into())
}
