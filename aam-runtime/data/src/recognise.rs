//! Recognition of study files, so that a mix-up is answered with the right option.

use std::borrow::Cow;
use std::path::Path;

use super::DataError;
use super::column_names::{is_feature_header, names_features};
use super::metadata::is_id_header;
use super::qza::Artifact;
use super::role::{Looks, OTHER_TEXT, Role, wrong_role};
use super::separator::Separator;
use super::source::{Kind, Source};
use super::{container, hdf5_file, mothur, phylip};

/// What a failed download often contains.
const WEB_PAGE: &str = "a web page or other XML";

/// Recognises the file at `path`, or the file packed in it.
///
/// # Errors
/// The file cannot be read, or is an archive of several files.
pub fn look_at(path: &Path) -> Result<Looks, DataError> {
    let (source, _) = container::open(path)?;
    Ok(recognise(&source))
}

/// Recognises the content of `source`.
pub fn recognise(source: &Source) -> Looks {
    match source.kind() {
        Kind::Empty => Looks::new("an empty file", None),
        Kind::Hdf5 => {
            if hdf5_file::has_group(source, "observation") {
                Looks::new("a BIOM table", Role::Table)
            } else if hdf5_file::has_dataset(source, "matrix") {
                Looks::new("a distance matrix in HDF5", Role::Distances)
            } else {
                Looks::new("an HDF5 file of some other kind", None)
            }
        }
        Kind::Zip => match Artifact::open(source) {
            Ok(artifact) => Looks::artifact(artifact.semantic_type()),
            Err(_) => Looks::new("a zip archive", None),
        },
        Kind::RObject => Looks::new("an R object", None),
        Kind::Npy => Looks::new("a NumPy array", Role::Distances),
        Kind::Json if contains(source.head(), "Biological Observation Matrix") => {
            Looks::new("a BIOM 1.0 table", Role::Table)
        }
        Kind::Json if is_jplace(source) => Looks::new("placements in jplace format", None),
        Kind::Json => Looks::new("a JSON file", None),
        Kind::Utf16 => Looks::new("UTF-16 text", None),
        Kind::Binary => binary(source.head()),
        Kind::Text => recognise_text(&String::from_utf8_lossy(source.head())),
    }
}

/// Lines examined to recognise a text.
const LINES_LOOKED_AT: usize = 20;

fn recognise_text(head: &str) -> Looks {
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let lines: Vec<&str> = head
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(LINES_LOOKED_AT)
        .collect();
    let first = lines.first().copied().unwrap_or_default();
    if head.starts_with('(') || head.starts_with("[&") {
        return Looks::new("a Newick tree", Role::Tree);
    }
    if head
        .get(..6)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("#nexus"))
    {
        return Looks::new("a NEXUS file", Role::Tree);
    }
    if first.starts_with('<') {
        return markup(head);
    }
    if first.starts_with('>') {
        return Looks::new("a FASTA file", Role::Sequences);
    }
    if first.starts_with('@') && lines.get(2).is_some_and(|line| line.starts_with('+')) {
        return Looks::new("reads in FASTQ format", None).help(
            "make a feature table of the reads first, for example with DADA2 or `qiime dada2`",
        );
    }
    if first.starts_with("\"{\\\"") {
        return Looks::new("JSON encoded as a JSON string", None);
    }
    if first.starts_with("# Constructed from biom") || first.starts_with("#OTU") {
        return Looks::new("a feature table as text", Role::Table);
    }
    if mothur::is_table(first) {
        return Looks::new("a mothur table", Role::Table);
    }
    if phylip::begins(&lines) {
        return Looks::new("a PHYLIP distance matrix", Role::Distances);
    }
    rows_of(&lines)
}

/// Recognises text with a header and rows.
fn rows_of(lines: &[&str]) -> Looks {
    let separator = Separator::of(&lines[..lines.len().min(4)]);
    let mut rows = lines.iter().map(|line| separator.cells(line));
    let header = rows.next().unwrap_or_default();
    let rows: Vec<_> = rows.collect();
    // Whether the rows begin with `names`, in order, and have one cell for each.
    let square = |names: &[Cow<'_, str>]| {
        !names.is_empty()
            && std::iter::zip(names, &rows)
                .all(|(name, row)| row.first() == Some(name) && row.len() == names.len() + 1)
    };
    let first = header.first().map(|cell| &**cell).unwrap_or_default();
    let named = header.get(1..).unwrap_or_default();
    if !rows.is_empty() && (first.is_empty() && square(named) || square(&header)) {
        return Looks::new("a distance matrix as text", Role::Distances);
    }
    let count = |cell: &Cow<'_, str>| {
        cell.parse::<f64>()
            .is_ok_and(|n| n >= 0.0 && n.fract() == 0.0)
    };
    // The last row may be truncated.
    let whole = rows.len().min(LINES_LOOKED_AT - 2);
    let counts = whole > 0
        && rows[..whole]
            .iter()
            .all(|row| row.len() > 1 && row[1..].iter().all(count));
    if names_features(first) && counts && header.len() > 2 {
        return Looks::new("a feature table as text", Role::Table);
    }
    if is_taxonomy(first, &header) {
        return Looks::new("a taxonomy of the ASVs", None);
    }
    if !is_id_header(first) {
        return Looks::new(OTHER_TEXT, None);
    }
    if counts && super::mismatch::named_by_sequences(named.iter().map(|name| &**name)) {
        return Looks::new("a feature table with samples as rows", Role::Table);
    }
    let looks = Looks::new("sample metadata", Role::Metadata);
    match counts && header.len() > 3 {
        true => looks.help(
            "sample metadata goes to --metadata; if it is a feature table that has samples as \
             rows, add --transpose",
        ),
        false => looks,
    }
}

/// Whether a header is that of a taxonomy of features, as QIIME 2 writes it.
fn is_taxonomy(first: &str, header: &[Cow<'_, str>]) -> bool {
    let second = header.get(1).map(|cell| cell.to_lowercase());
    // A feature table may also have a taxonomy column, followed by its samples.
    is_feature_header(first)
        && header.len() <= 3
        && matches!(second.as_deref(), Some("taxon" | "taxonomy"))
}

/// Recognises a file of markup.
fn markup(head: &str) -> Looks {
    let tag = |name: &str| head.to_lowercase().contains(name);
    if tag("<phyloxml") || tag("<nex:nexml") || tag("<nexml") {
        return Looks::new("a tree in XML", None).help(
            "write it as Newick, for example in R: 'ape::write.tree(tree, \"tree.nwk\")', or with \
             Biopython: `Phylo.convert(\"tree.xml\", \"phyloxml\", \"tree.nwk\", \"newick\")`",
        );
    }
    Looks::new(WEB_PAGE, None)
}

/// The error for a file used as `wanted` that is something else.
pub fn wrong_file(source: &Source, wanted: Role) -> DataError {
    wrong_role(source, wanted, &recognise(source))
}

/// Rejects a file that is clearly something other than `wanted`.
pub fn refuse_mix_up(source: &Source, wanted: Role) -> Result<(), DataError> {
    let looks = recognise(source);
    match looks.role {
        Some(role) if role != wanted => Err(wrong_file(source, wanted)),
        None if looks.what == WEB_PAGE || looks.help.is_some() => Err(wrong_file(source, wanted)),
        _ => Ok(()),
    }
}

/// Recognises a binary file that begins with `head`.
fn binary(head: &[u8]) -> Looks {
    let packed = |what: &str, command: &str| {
        Looks::new(format!("a file packed with {what}"), None)
            .help(format!("unpack it first: '{command} FILE'"))
    };
    match head {
        [b'B', b'Z', b'h', _, b'1', b'A', ..] => packed("bzip2", "bunzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => packed("xz", "unxz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => packed("zstd", "unzstd"),
        [b'7', b'z', 0xbc, 0xaf, ..] => packed("7-Zip", "7z x"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Looks::new("an old Excel workbook (.xls)", None)
            .help("save the sheet as tab-separated text or as .xlsx"),
        [b'P', b'A', b'R', b'1', ..] => {
            Looks::new("a Parquet file", None).help("write it as tab-separated text")
        }
        [b'%', b'P', b'D', b'F', ..] => Looks::new("a PDF", None),
        _ if head.get(257..262) == Some(b"ustar") => packed("tar", "tar -xf"),
        _ => Looks::new("a binary file", None),
    }
}

/// Whether `source` contains placements of sequences on a tree.
pub fn is_jplace(source: &Source) -> bool {
    ["\"tree\"", "{0}"]
        .iter()
        .all(|part| contains(source.head(), part))
        || contains(source.head(), "\"placements\"")
}

fn contains(head: &[u8], text: &str) -> bool {
    head.windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_distinguished() {
        for (text, role) in [
            ("((a:1,b:2):0.5,c:1);\n", Some(Role::Tree)),
            (">s1\nACGT\n", Some(Role::Sequences)),
            (
                "# Constructed from biom file\n#OTU ID\ts1\n",
                Some(Role::Table),
            ),
            ("\ts1\ts2\ns1\t0\t1\ns2\t1\t0\n", Some(Role::Distances)),
            ("sample-id\tage\ns1\t4\n", Some(Role::Metadata)),
            ("Feature ID\tTaxon\tConfidence\nA\td__Bacteria\t1\n", None),
            ("<!DOCTYPE html>\n<html>\n", None),
            ("hello\n", None),
        ] {
            assert_eq!(recognise_text(text).role, role, "{text}");
        }
    }

    #[test]
    fn the_right_flag_is_named() {
        let tree = Source::from_bytes(Path::new("t.nwk"), None, b"(a,b);".to_vec()).unwrap();
        assert_eq!(
            wrong_file(&tree, Role::Table).to_string(),
            "t.nwk: expected a feature table (BIOM, text, .xlsx or FeatureTable[Frequency] .qza), \
             found a Newick tree\n  help: this looks like a Newick tree; pass it with --tree"
        );
    }
}
