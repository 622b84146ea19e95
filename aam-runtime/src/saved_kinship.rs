//! How features without sequences are related, in a checkpoint.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use aam_data::Kinship;
use aam_model::LINEAGE_ENCODER;
use aam_run::RunError;
use aam_train::checkpoint::Manifest;
use aam_train::checkpoint::manifest::KINSHIP;

/// The contents of the file; empty if the features have sequences.
///
/// # Errors
/// Never in practice: the bytes are written to memory.
pub fn bytes(kinship: Option<&Kinship>) -> Result<Vec<u8>, RunError> {
    let bytes = kinship.map(postcard::to_stdvec).transpose();
    let bytes = bytes.map_err(|error| RunError::checkpoint(KINSHIP, error.to_string()))?;
    Ok(bytes.unwrap_or_default())
}

/// Takes the file out of the `files` of the checkpoint at `path`, if its features have no sequences.
///
/// # Errors
/// A file that is damaged or missing.
pub fn read(
    files: &mut BTreeMap<String, Vec<u8>>,
    manifest: &Manifest,
    path: &Path,
) -> Result<Option<Arc<Kinship>>, RunError> {
    if manifest.model.asv_encoder.name != LINEAGE_ENCODER {
        return Ok(None);
    }
    let damaged = |problem: String| {
        RunError::checkpoint(path.join(KINSHIP), format!("it is damaged: {problem}"))
    };
    let bytes = files.remove(KINSHIP);
    let bytes = bytes.ok_or_else(|| damaged("the checkpoint lacks this file".to_owned()))?;
    let kinship = postcard::from_bytes(&bytes).map_err(|error| damaged(error.to_string()))?;
    Ok(Some(Arc::new(kinship)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_read_as_they_were_written() {
        let ids = ["k__A;p__B", "k__A;p__C", "d41d8cd9"];
        let kinship = Kinship::of_ids(&ids.into_iter().collect());
        let saved = bytes(Some(&kinship)).expect("bytes");
        assert_eq!(
            postcard::from_bytes::<Kinship>(&saved).expect("relations"),
            kinship
        );
        assert!(postcard::from_bytes::<Kinship>(&saved[..saved.len() - 1]).is_err());
        assert!(bytes(None).expect("bytes").is_empty());
    }
}
