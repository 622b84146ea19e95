//! Writing of QIIME 2 artifacts with one file.

use std::io::{Cursor, Write};

use rand::Rng;
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use aam_core::random::stream;

/// The bytes of an artifact with the type `semantic_type` and the format `format`, whose payload is
/// `contents` under the name `file`.
///
/// It is an archive of version 0, which QIIME 2 reads like its own. It has no provenance, because its
/// contents were not made by QIIME 2. Its UUID is derived from its contents, so that equal contents give
/// equal artifacts.
///
/// # Errors
/// Never in practice, as the bytes are written to memory.
pub fn artifact(
    semantic_type: &str,
    format: &str,
    (file, contents): (&str, &[u8]),
) -> Result<Vec<u8>, ZipError> {
    let uuid = uuid(&format!(
        "{semantic_type} {}",
        String::from_utf8_lossy(contents)
    ));
    let metadata = format!("uuid: {uuid}\ntype: {semantic_type}\nformat: {format}\n");
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in [
        (
            "VERSION",
            "QIIME 2\narchive: 0\nframework: 2.0.6\n".as_bytes(),
        ),
        ("metadata.yaml", metadata.as_bytes()),
        (&format!("data/{file}"), contents),
    ] {
        archive.start_file(format!("{uuid}/{name}"), SimpleFileOptions::default())?;
        archive.write_all(contents)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// A version-4 UUID, which QIIME 2 requires, drawn from a stream with the name `of`.
fn uuid(of: &str) -> String {
    let bits = u128::from(stream(0, of).next_u64()) << 64 | u128::from(stream(1, of).next_u64());
    let bits = bits & !(0xf << 76) | (0x4 << 76);
    let bits = bits & !(0x3 << 62) | (0x2 << 62);
    let text = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &text[part]);
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_taxonomy;

    #[test]
    fn an_artifact_is_read_back() {
        let text = "Feature ID\tTaxon\nabc\tk__Bacteria; p__X\n";
        let write = || {
            let file = ("taxonomy.tsv", text.as_bytes());
            artifact("FeatureData[Taxonomy]", "TSVTaxonomyDirectoryFormat", file).unwrap()
        };
        assert_eq!(write(), write());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taxonomy.qza");
        std::fs::write(&path, write()).unwrap();
        let taxonomy = read_taxonomy(&path).unwrap();
        assert_eq!(taxonomy.get("abc").unwrap().written(), "k__Bacteria; p__X");
    }

    #[test]
    fn uuids_are_of_version_4() {
        let made = uuid("something");
        let dashes: Vec<usize> = made.match_indices('-').map(|(place, _)| place).collect();
        assert_eq!((made.len(), dashes), (36, vec![8, 13, 18, 23]));
        assert_eq!(&made[14..15], "4");
        assert!("89ab".contains(&made[19..20]));
    }
}
