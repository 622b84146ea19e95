//! Reading a feature table of any kind.

use std::path::Path;

use super::qza::Artifact;
use super::role::{Role, wrong_file};
use super::source::{Kind, Source};
use super::{DataError, Storage, Table, biom_hdf5, biom_json, table_tsv};

/// Reads the feature table at `path`: BIOM 2.x (HDF5), BIOM 1.0 (JSON), text, or a QIIME 2
/// artifact of type `FeatureTable[Frequency]`, gzipped or not, told by content.
///
/// # Errors
/// If it cannot be read, is something else (the message says what it looks like), or holds
/// anything but whole counts under ids of their own.
pub fn read_table(path: impl AsRef<Path>) -> Result<Table, DataError> {
    read_table_into(path, &Storage::Memory)
}

/// Reads as [`read_table`] does, and keeps the counts in `storage`. Those of an HDF5 file go there
/// piece by piece; those of other files are in memory before.
///
/// # Errors
/// Those of [`read_table`], or a disk that is full.
pub fn read_table_into(path: impl AsRef<Path>, storage: &Storage) -> Result<Table, DataError> {
    read(&Source::open(path.as_ref())?, storage)
}

fn read(source: &Source, storage: &Storage) -> Result<Table, DataError> {
    match source.kind() {
        Kind::Hdf5 => biom_hdf5::read(source, storage),
        Kind::Json => biom_json::read(source)?.kept_in(storage),
        Kind::Text | Kind::Utf16 => table_tsv::read(source)?.kept_in(storage),
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
                _ => read(&payload, storage),
            }
        }
        Kind::Npy | Kind::Binary | Kind::Empty => Err(wrong_file(source, Role::Table)),
    }
}
