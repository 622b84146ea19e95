//! The input files of a run.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use aam_api::options::FileUse;
use aam_run::settings::{self, Options};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use aam_data::bounded::open_file;
use aam_run::checkpoint_files::MANIFEST;

/// A file named by a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// The setting.
    pub setting: String,
    /// Its path.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of the file. For a checkpoint, that of its manifest, which contains the hashes of
    /// its other files.
    pub sha256: String,
}

/// The input files that `settings`, the values of the options `T`, name.
pub fn files<T: Options>(settings: &Map<String, Value>) -> Vec<DataFile> {
    let is_read = |used: FileUse| used != FileUse::Written;
    let names = settings::names::<T>(|facts| facts.file.is_some_and(is_read));
    let named = settings.iter().filter(|(name, _)| names.contains(name));
    named
        .filter_map(|(name, value)| {
            let path = value.as_str()?;
            let (bytes, sha256) = read(Path::new(path)).ok()?;
            Some(DataFile {
                setting: name.clone(),
                path: path.to_owned(),
                bytes,
                sha256,
            })
        })
        .collect()
}

fn read(path: &Path) -> io::Result<(u64, String)> {
    let path = match fs::metadata(path)?.is_dir() {
        true => path.join(MANIFEST),
        false => path.to_owned(),
    };
    let mut file = open_file(&path)?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        match file.read(&mut part)? {
            0 => break,
            read => {
                hash.update(&part[..read]);
                bytes += read as u64;
            }
        }
    }
    let hash = hash.finalize();
    Ok((
        bytes,
        hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use aam_api::options::Facts;
    use schemars::JsonSchema;

    use super::*;

    #[derive(Default, Serialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    struct Named {
        #[schemars(transform = Facts::new().file(FileUse::Read))]
        table: String,
        #[schemars(transform = Facts::new().file(FileUse::Written))]
        output_dir: String,
        device: String,
    }

    #[test]
    fn files_are_identified_by_their_contents() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.tsv");
        fs::write(&path, "abc").unwrap();
        let text = path.display().to_string();
        let settings = settings::table(&Named {
            table: text.clone(),
            output_dir: text.clone(),
            device: text,
        });
        let files = files::<Named>(&settings);
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].setting.as_str(), files[0].bytes), ("table", 3));
        assert!(files[0].sha256.starts_with("ba7816bf8f01cfea"));
    }
}
