//! Which files a run was made of.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::checkpoint::directory::MANIFEST;

/// A file that a setting names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// The setting.
    pub setting: String,
    /// What it names.
    pub path: String,
    /// Bytes of it.
    pub bytes: u64,
    /// SHA-256 of it, or of the manifest of a checkpoint, which has those of its other files.
    pub sha256: String,
}

/// Settings that name no file to read, though what they say may be one.
const NOT_READ: [&str; 1] = ["output-dir"];

/// The files that `settings` name.
pub fn files(settings: &Map<String, Value>) -> Vec<DataFile> {
    let named = settings
        .iter()
        .filter(|(name, _)| !NOT_READ.contains(&name.as_str()));
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
    let mut file = File::open(path)?;
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
    use super::*;

    #[test]
    fn files_are_known_by_what_they_hold() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("table.tsv");
        fs::write(&path, "abc").unwrap();
        let mut settings = Map::new();
        settings.insert("table".to_owned(), path.display().to_string().into());
        settings.insert("device".to_owned(), "auto".into());
        settings.insert("output-dir".to_owned(), path.display().to_string().into());
        let files = files(&settings);
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].setting.as_str(), files[0].bytes), ("table", 3));
        assert!(files[0].sha256.starts_with("ba7816bf8f01cfea"));
    }
}
