//! Reading of feature tables in any format.

use std::path::Path;

use super::qza::Artifact;
use super::recognise::wrong_file;
use super::role::Role;
use super::source::{Kind, Source};
use super::{
    DataError, Storage, Table, biom_hdf5, biom_json, container, mismatch, mothur, not_samples,
    table_text,
};

/// A table and notes about its file.
#[derive(Clone, Debug)]
pub struct TableFile {
    /// The table.
    pub table: Table,
    /// What was inferred, left out or transposed, one line each.
    pub notes: Vec<String>,
}

/// Reads the feature table at `path`: BIOM 2.x (HDF5), BIOM 1.0 (JSON), text, or a QIIME 2 artifact
/// of type `FeatureTable[Frequency]`, gzipped or not. The format is detected by content.
///
/// # Errors
/// The file cannot be read, is something else (the message says what it looks like), or contains
/// anything but integer counts with unique ids.
pub fn read_table(path: impl AsRef<Path>) -> Result<Table, DataError> {
    Ok(read_table_file(path, false, &Storage::Memory)?.table)
}

/// Reads like [`read_table`], with samples as rows if the file is `transposed`, and keeps the
/// counts in `storage`. HDF5 files are read in blocks; other files are first read into memory.
///
/// A table whose samples are named by sequences, but not its ASVs, is transposed automatically.
/// Samples and ASVs that are the sum of all others are left out.
///
/// # Errors
/// Those of [`read_table`], or a full disk.
pub fn read_table_file(
    path: impl AsRef<Path>,
    transposed: bool,
    storage: &Storage,
) -> Result<TableFile, DataError> {
    let (source, mut notes) = container::open(path.as_ref())?;
    let mut table = read(&source, transposed, storage, &mut notes)?;
    let proof = mismatch::named_by_sequences(table.sample_ids().iter().map(String::as_str))
        && !mismatch::named_by_sequences(table.feature_ids().iter());
    if transposed || proof {
        table = table.transposed().map_err(|e| source.in_file(e))?;
        if !transposed {
            notes.push("its rows are samples and its columns sequences: transposed".to_owned());
        }
    }
    let table = not_samples::without_totals(table, &mut notes).map_err(|e| source.in_file(e))?;
    let table = not_samples::without_lengths(table, &mut notes);
    Ok(TableFile { table, notes })
}

fn read(
    source: &Source,
    transposed: bool,
    storage: &Storage,
    notes: &mut Vec<String>,
) -> Result<Table, DataError> {
    match source.kind() {
        Kind::Hdf5 => biom_hdf5::read(source, storage),
        Kind::Json => biom_json::read(source)?.kept_in(storage),
        Kind::Text if source.head().starts_with(b"\"{") => {
            notes.push("JSON encoded as a JSON string: read anyway".to_owned());
            read(&biom_json::unquoted(source)?, transposed, storage, notes)
        }
        Kind::Text | Kind::Utf16 => {
            if let Some(table) = mothur::read(source) {
                let (table, note) = table?;
                notes.push(note);
                return table.kept_in(storage);
            }
            let (table, found) = table_text::read(source, transposed)?;
            notes.extend(found);
            table.kept_in(storage)
        }
        Kind::Zip => {
            let mut artifact = Artifact::open(source)?;
            if artifact.semantic_type().starts_with("FeatureTable[")
                && !artifact
                    .semantic_type()
                    .starts_with("FeatureTable[Frequency]")
            {
                return Err(source
                    .error(format!(
                        "expected an artifact of type FeatureTable[Frequency], found {}",
                        artifact.semantic_type()
                    ))
                    .help("give the table of read counts"));
            }
            let payload = artifact.payload(Role::Table, "feature-table.biom")?;
            match payload.kind() {
                Kind::Zip => Err(wrong_file(&payload, Role::Table)),
                _ => read(&payload, transposed, storage, notes),
            }
        }
        Kind::Npy | Kind::RObject | Kind::Binary | Kind::Empty => {
            Err(wrong_file(source, Role::Table))
        }
    }
}
