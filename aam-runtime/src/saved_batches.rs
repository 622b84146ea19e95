//! How a model removes what batches have in common, in a checkpoint.

use std::collections::BTreeMap;
use std::path::Path;

use aam_data::Metadata;
use aam_run::RunError;
use aam_study::batches::Batches;
use serde::{Deserialize, Serialize};

use aam_train::checkpoint::manifest::BATCHES;

/// The column of the batches, and the mean of the training samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedBatches {
    /// The metadata column.
    pub column: String,
    /// The mean of the network's profiles.
    pub profile: Vec<f32>,
}

impl SavedBatches {
    /// The contents of the file.
    ///
    /// # Errors
    /// Never in practice: the bytes are written to memory.
    pub fn bytes(&self) -> Result<Vec<u8>, RunError> {
        postcard::to_stdvec(self).map_err(|error| RunError::checkpoint(BATCHES, error.to_string()))
    }

    /// Takes the file out of the `files` of the checkpoint at `path`, if there is one.
    ///
    /// # Errors
    /// A damaged file.
    pub fn read(
        files: &mut BTreeMap<String, Vec<u8>>,
        path: &Path,
    ) -> Result<Option<Self>, RunError> {
        let Some(bytes) = files.remove(BATCHES) else {
            return Ok(None);
        };
        let saved: Result<Self, _> = postcard::from_bytes(&bytes);
        match saved {
            Ok(saved) if saved.profile.iter().all(|value| value.is_finite()) => Ok(Some(saved)),
            _ => Err(RunError::checkpoint(path.join(BATCHES), "it is damaged")),
        }
    }

    /// The batches of the samples `ids`.
    ///
    /// # Errors
    /// No metadata, or no such column.
    pub fn of(&self, metadata: Option<&Metadata>, ids: &[String]) -> Result<Batches, RunError> {
        let metadata = metadata.ok_or_else(|| {
            let needed = format!(
                "the model removes what the samples of each '{}' have in common; name the file with this column",
                self.column
            );
            RunError::missing("metadata", needed)
        })?;
        Ok(Batches::read(metadata, &self.column, ids)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let saved = SavedBatches {
            column: "run".to_owned(),
            profile: vec![0.5, -1.0],
        };
        let bytes = saved.bytes().expect("bytes");
        let read = |bytes: Vec<u8>| {
            let mut files = BTreeMap::from([(BATCHES.to_owned(), bytes)]);
            SavedBatches::read(&mut files, Path::new("best"))
        };
        assert_eq!(read(bytes.clone()).expect("a file"), Some(saved));
        assert!(read(bytes[..bytes.len() - 1].to_vec()).is_err());
        let none = SavedBatches::read(&mut BTreeMap::new(), Path::new("best"));
        assert_eq!(none.expect("no file"), None);
    }
}
