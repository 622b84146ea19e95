//! Reading of phylogenetic trees in any format.

use std::path::Path;

use super::newick::{NewickOptions, parse};
use super::qza::Artifact;
use super::recognise::{is_jplace, refuse_mix_up, wrong_file};
use super::role::Role;
use super::source::{Kind, Source};
use super::{DataError, Tree, container, nexus};

/// Reads the tree at `path`: Newick, NEXUS, or a QIIME 2 artifact of type `Phylogeny[Rooted]`,
/// gzipped or not.
///
/// # Errors
/// The file cannot be read or is something else (the message says what it looks like), or an error
/// of [`parse`].
pub fn read_tree(path: impl AsRef<Path>, options: &NewickOptions) -> Result<Tree, DataError> {
    let (source, _) = container::open(path.as_ref())?;
    if source.kind() != Kind::Zip {
        return read(&source, options);
    }
    let mut artifact = Artifact::open(&source)?;
    if artifact.semantic_type().starts_with("Phylogeny[Unrooted]") && options.root.is_none() {
        return Err(source
            .error("expected a rooted tree, found an artifact of type Phylogeny[Unrooted]")
            .help(
                "--root midpoint roots it at the midpoint, as `qiime phylogeny midpoint-root` does",
            ));
    }
    read(&artifact.payload(Role::Tree, "tree.nwk")?, options)
}

fn read(source: &Source, options: &NewickOptions) -> Result<Tree, DataError> {
    if nexus::is_nexus(source.head()) {
        let text = source.text()?;
        return nexus::read(&text, options).map_err(|e| source.in_file(e));
    }
    if source.kind() == Kind::Json && is_jplace(source) {
        return Err(source.in_file(nexus::placements()));
    }
    if source.kind() != Kind::Text {
        return Err(wrong_file(source, Role::Tree));
    }
    refuse_mix_up(source, Role::Tree)?;
    parse(&source.bytes()?, options).map_err(|e| source.in_file(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn plain_and_gzipped_trees_are_read_and_other_files_refused() {
        let folder = tempfile::tempdir().unwrap();
        let options = NewickOptions::default();
        let plain = folder.path().join("a.nwk");
        std::fs::write(&plain, "((A:1,B:2):1,C:3);\n").unwrap();
        let tree = read_tree(&plain, &options).unwrap();
        let packed = folder.path().join("a.nwk.gz");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"((A:1,B:2):1,C:3);\n").unwrap();
        std::fs::write(&packed, gzip.finish().unwrap()).unwrap();
        assert_eq!(read_tree(&packed, &options).unwrap(), tree);

        let fasta = folder.path().join("seqs.nwk");
        std::fs::write(&fasta, ">a\nACGT\n").unwrap();
        let error = read_tree(&fasta, &options).unwrap_err().to_string();
        assert!(
            error.contains("FASTA") && error.contains("--sequences"),
            "{error}"
        );
        std::fs::write(&plain, "((A:1,B:2):1,\nC:-3);\n").unwrap();
        let error = read_tree(&plain, &options).unwrap_err().to_string();
        assert!(
            error.contains("a.nwk: line 2, column 3: the branch length -3"),
            "{error}"
        );
        std::fs::write(&plain, "").unwrap();
        assert!(
            read_tree(&plain, &options)
                .unwrap_err()
                .to_string()
                .contains("empty")
        );
        assert!(read_tree(folder.path(), &options).is_err());
    }
}
