//! QIIME 2 artifacts: zip archives `UUID/…` with `metadata.yaml`, which names the semantic type,
//! and the payload under `data/`.

use std::io::Cursor;

use zip::ZipArchive;
use zip::result::ZipError;

use super::DataError;
use super::role::{Role, wrong_file};
use super::source::{Source, archive_limit, read_at_most};

/// More members than any artifact has.
const MOST_MEMBERS: usize = 1 << 16;

/// A QIIME 2 artifact.
pub(crate) struct Artifact<'s> {
    source: &'s Source,
    archive: ZipArchive<Cursor<std::sync::Arc<[u8]>>>,
    root: String,
    semantic_type: String,
}

impl<'s> Artifact<'s> {
    /// Opens the archive in `source` and reads its type.
    pub fn open(source: &'s Source) -> Result<Self, DataError> {
        let archive = open_zip(source)?;
        let root = archive
            .file_names()
            .filter_map(Result::ok)
            .find_map(|name| {
                let root = name.strip_suffix("/metadata.yaml")?;
                (!root.is_empty() && !root.contains('/')).then(|| root.to_owned())
            })
            .ok_or_else(|| {
                source
                    .error("is a zip archive but no QIIME 2 artifact: it has no metadata.yaml")
                    .help("give the file that QIIME 2 wrote, ending in .qza")
            })?;
        let mut artifact = Self {
            source,
            archive,
            root,
            semantic_type: String::new(),
        };
        let metadata = artifact.read("metadata.yaml")?;
        let metadata = String::from_utf8_lossy(&metadata);
        artifact.semantic_type = metadata
            .lines()
            .find_map(|line| line.strip_prefix("type:"))
            .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
            .ok_or_else(|| source.error("the artifact's metadata.yaml names no type"))?;
        if artifact.semantic_type == "Visualization" {
            return Err(source
                .error("is a QIIME 2 visualization, expected an artifact")
                .help("give the .qza file that holds the data, not the .qzv that shows it"));
        }
        Ok(artifact)
    }

    /// The semantic type, such as `FeatureTable[Frequency]`.
    pub fn semantic_type(&self) -> &str {
        &self.semantic_type
    }

    /// The payload `data/name`, if the artifact's type is right for `role`.
    pub fn payload(&mut self, role: Role, name: &str) -> Result<Source, DataError> {
        if Role::of_type(&self.semantic_type) != Some(role) {
            return Err(wrong_file(self.source, role));
        }
        let member = format!("data/{name}");
        let bytes = self.read(&member)?;
        Source::from_bytes(self.source.path(), Some(&member), bytes)
    }

    fn read(&mut self, member: &str) -> Result<Vec<u8>, DataError> {
        let name = format!("{}/{member}", self.root);
        read_member(self.source, &mut self.archive, &name)
    }
}

/// Opens the zip archive in `source`.
pub(crate) fn open_zip(
    source: &Source,
) -> Result<ZipArchive<Cursor<std::sync::Arc<[u8]>>>, DataError> {
    let archive = ZipArchive::new(Cursor::new(source.bytes()?)).map_err(|e| damaged(source, &e))?;
    if archive.len() > MOST_MEMBERS {
        return Err(source.error(format!("the archive has {} members", archive.len())));
    }
    Ok(archive)
}

/// Unpacks the member `name` of an archive.
pub(crate) fn read_member(
    source: &Source,
    archive: &mut ZipArchive<Cursor<std::sync::Arc<[u8]>>>,
    name: &str,
) -> Result<Vec<u8>, DataError> {
    let member = match archive.by_name(name) {
        Ok(member) => member,
        Err(ZipError::FileNotFound) => {
            return Err(source.error(format!("the archive has no `{name}`")));
        }
        Err(error) => return Err(damaged(source, &error)),
    };
    let limit = archive_limit(member.compressed_size().min(source.size()));
    read_at_most(member, limit).map_err(|e| {
        source
            .error(format!("the archive's `{name}` cannot be unpacked: {e}"))
            .help("fetch the file again")
    })
}

fn damaged(source: &Source, error: &ZipError) -> DataError {
    source
        .error(format!("the zip archive is damaged ({error})"))
        .help("fetch the file again")
}
