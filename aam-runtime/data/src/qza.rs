//! QIIME 2 artifacts: zip archives `UUID/…` with `metadata.yaml`, which gives the semantic type,
//! and the payload under `data/`.

use std::io::Cursor;

use zip::ZipArchive;
use zip::result::ZipError;

use super::DataError;
use super::bounded::{Bytes, read_at_most, unpacked_limit};
use super::role::{Looks, Role, wrong_role};
use super::source::Source;

/// Maximum number of members, more than any artifact has.
const MOST_MEMBERS: usize = 1 << 16;

/// A QIIME 2 artifact.
pub struct Artifact<'s> {
    source: &'s Source,
    archive: ZipArchive<Cursor<Bytes>>,
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
                    .error("is a zip archive but not a QIIME 2 artifact: it has no metadata.yaml")
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

    /// The payload `data/name`, if the artifact's type suits `role`.
    pub fn payload(&mut self, role: Role, name: &str) -> Result<Source, DataError> {
        if Role::of_type(&self.semantic_type) != Some(role) {
            let looks = Looks::artifact(&self.semantic_type);
            return Err(wrong_role(self.source, role, &looks));
        }
        let member = format!("data/{name}");
        let bytes = self.read(&member)?;
        Source::from_bytes(self.source.path(), Some(&member), bytes)
    }

    /// The values of an artifact of type `SampleData[AlphaDiversity]`; `None` for other types.
    pub fn alpha_diversity(&mut self) -> Result<Option<Source>, DataError> {
        if !self.semantic_type.starts_with("SampleData[AlphaDiversity]") {
            return Ok(None);
        }
        let member = "data/alpha-diversity.tsv";
        let bytes = self.read(member)?;
        Source::from_bytes(self.source.path(), Some(member), bytes).map(Some)
    }

    /// The lineages of an artifact of type `FeatureData[Taxonomy]`; `None` for other types.
    pub fn taxonomy(&mut self) -> Result<Option<Source>, DataError> {
        if !self.semantic_type.starts_with("FeatureData[Taxonomy]") {
            return Ok(None);
        }
        let member = "data/taxonomy.tsv";
        let bytes = self.read(member)?;
        Source::from_bytes(self.source.path(), Some(member), bytes).map(Some)
    }

    fn read(&mut self, member: &str) -> Result<Vec<u8>, DataError> {
        let name = format!("{}/{member}", self.root);
        read_member(self.source, &mut self.archive, &name)
    }
}

/// Opens the zip archive in `source`.
pub fn open_zip(source: &Source) -> Result<ZipArchive<Cursor<Bytes>>, DataError> {
    let archive = ZipArchive::new(Cursor::new(source.bytes()?)).map_err(|e| damaged(source, &e))?;
    if archive.len() > MOST_MEMBERS {
        return Err(source.error(format!("the archive has {} members", archive.len())));
    }
    Ok(archive)
}

/// Unpacks the member `name` of an archive.
pub fn read_member(
    source: &Source,
    archive: &mut ZipArchive<Cursor<Bytes>>,
    name: &str,
) -> Result<Vec<u8>, DataError> {
    let member = match archive.by_name(name) {
        Ok(member) => member,
        Err(ZipError::FileNotFound) => {
            return Err(source.error(format!("the archive has no '{name}'")));
        }
        Err(error) => return Err(damaged(source, &error)),
    };
    let limit = unpacked_limit(member.compressed_size().min(source.size()));
    read_at_most(member, limit).map_err(|e| {
        source
            .error(format!("the archive's '{name}' cannot be unpacked: {e}"))
            .help("fetch the file again")
    })
}

fn damaged(source: &Source, error: &ZipError) -> DataError {
    source
        .error(format!("the zip archive is damaged ({error})"))
        .help("fetch the file again")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use crate::{read_distances, read_sequences, read_table};

    fn archive(folder: &tempfile::TempDir, members: &[(&str, &[u8])]) -> PathBuf {
        let path = folder.path().join("a.qza");
        let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
        for (name, content) in members {
            archive
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap();
        path
    }

    fn artifact(folder: &tempfile::TempDir, kind: &str, name: &str, content: &[u8]) -> PathBuf {
        let metadata = format!("uuid: u-1\ntype: {kind}\nformat: F\n");
        let data = format!("u-1/data/{name}");
        archive(
            folder,
            &[
                ("u-1/VERSION", b"QIIME 2\narchive: 5\nframework: 2024.10\n"),
                ("u-1/provenance/metadata.yaml", b"type: Other\n"),
                ("u-1/metadata.yaml", metadata.as_bytes()),
                (&data, content),
            ],
        )
    }

    #[test]
    fn payloads_of_every_type() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"\ta\tb\na\t0\t0.5\nb\t0.5\t0\n";
        let path = artifact(&folder, "DistanceMatrix", "distance-matrix.tsv", text);
        let matrix = read_distances(path).unwrap().into_matrix().unwrap();
        assert_eq!((matrix.ids()[1].as_str(), matrix.get(0, 1)), ("b", 0.5));
        let path = artifact(
            &folder,
            "FeatureData[Sequence]",
            "dna-sequences.fasta",
            b">a\nAC\n",
        );
        assert_eq!(read_sequences(path).unwrap().get("a"), Some("AC"));
        let table = b"#OTU ID\ts\nA\t3\n";
        let path = artifact(
            &folder,
            "FeatureTable[Frequency]",
            "feature-table.biom",
            table,
        );
        assert_eq!(read_table(path).unwrap().depth(0), 3);
        let bad = b"#OTU ID\ts\nA\t-3\n";
        let path = artifact(
            &folder,
            "FeatureTable[Frequency]",
            "feature-table.biom",
            bad,
        );
        let error = read_table(path).unwrap_err().to_string();
        assert!(
            error.contains("a.qza: data/feature-table.biom, line 2, feature 'A', sample"),
            "{error}"
        );
    }

    #[test]
    fn other_archives_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, message) in [
            (
                "DistanceMatrix % Properties('phylogenetic')",
                "pass it with --unifrac-matrix",
            ),
            ("FeatureData[Sequence]", "pass it with --sequences"),
            ("Phylogeny[Rooted]", "pass it with --tree"),
            (
                "FeatureTable[RelativeFrequency]",
                "found FeatureTable[RelativeFrequency]",
            ),
            (
                "PCoAResults",
                "found a QIIME 2 artifact of type PCoAResults",
            ),
            ("Visualization", "give the .qza file that holds the data"),
            (
                "FeatureTable[Frequency]",
                "has no 'u-1/data/feature-table.biom'",
            ),
        ] {
            let path = artifact(&folder, kind, "other", b"");
            let error = read_table(path).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let error = read_table(archive(&folder, &[("x/y", b"")]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("x/y: expected a feature table"), "{error}");
    }

    #[test]
    fn arrays_in_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        let mut array = b"\x93NUMPY\x01\0\x3b\0".to_vec();
        array.extend(
            format!(
                "{:<59}",
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}"
            )
            .bytes(),
        );
        array.extend(0f64.to_le_bytes());
        let path = archive(&folder, &[("distances.npy", &array), ("ids.npy", b"?")]);
        assert_eq!(read_distances(path).unwrap().len(), 1);
        let path = archive(&folder, &[("a.npy", &array), ("b.npy", &array)]);
        let error = read_distances(path).unwrap_err().to_string();
        assert!(error.contains("several arrays: a.npy, b.npy"), "{error}");
    }
}
