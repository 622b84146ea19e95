//! Valid, unusual and broken files from other programs: each loads as documented for the reference
//! reader, or fails with an error that names the file. Real studies load with their known counts.
//!
//! Needs `AAM_DATA`, the folder of the studies; without it, the tests print a note and pass.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use aam_runtime::DataError;
use aam_runtime::data::{
    ColumnKind, read_distances, read_ids, read_metadata, read_sequences, read_table,
};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("AAM_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: AAM_DATA is not set");
    }
    folder
}

/// Outcomes that differ from those of the reference reader, with reasons.
const DIFFERENCES: &[(&str, Outcome, &str)] = &[
    (
        "biom-format/bench/10000x1000x0.100_bench_hdf5.biom.gz",
        Outcome::Table(1000, 10000, 975_500),
        "the reference wants a group of metadata that BIOM 2.0 did not have",
    ),
    (
        "biom-format/bench/1000x1000x0.010_bench_hdf5.biom.gz",
        Outcome::Table(1000, 1000, 9984),
        "the reference wants a group of metadata that BIOM 2.0 did not have",
    ),
    (
        "biom-format/tests__test_data__test.json.gz",
        Outcome::Table(6, 5, 15),
        "only the name of the table's type is missing, which decides nothing",
    ),
    (
        "real-odd/infants.biom.gz",
        Outcome::Table(61, 676, 2106),
        "the reference does not unpack HDF5",
    ),
    (
        "biom-format/tests__test_data__edgecase_issue_952.biom",
        Outcome::Error,
        "holds intensities",
    ),
    (
        "q2-diversity-lib/faith_test_table.biom",
        Outcome::Error,
        "holds halves of counts",
    ),
    (
        "q2-diversity-lib/crawford_rf.biom",
        Outcome::Error,
        "holds relative frequencies",
    ),
    (
        "q2-diversity-lib/faith_test_table_rf.biom",
        Outcome::Error,
        "holds relative frequencies",
    ),
    (
        "q2-diversity-lib/two_feature_rf_table.biom",
        Outcome::Error,
        "holds relative frequencies",
    ),
];

#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// Samples, features and non-zero counts.
    Table(usize, usize, usize),
    /// Samples.
    Distances(usize),
    Metadata,
    Error,
}

/// The outcome that `EXPECTED.tsv` gives for a file; `None` if it gives none that applies to a
/// reader here.
fn expected(file: &str, text: &str) -> Option<Outcome> {
    if let Some((_, outcome, _)) = DIFFERENCES.iter().find(|(name, ..)| *name == file) {
        return Some(outcome.clone());
    }
    let numbers: Vec<usize> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    if text.starts_with("loads:") {
        Some(Outcome::Table(numbers[0], numbers[1], numbers[2]))
    } else if text.starts_with("parses: (") {
        Some(Outcome::Distances(numbers[0]))
    } else if text == "QIIME 2 says valid" {
        Some(Outcome::Metadata)
    } else if text.contains("ERROR") || text == "QIIME 2 says invalid" {
        Some(Outcome::Error)
    } else {
        None
    }
}

fn found(file: &str, path: &Path) -> Result<Outcome, DataError> {
    if file.starts_with("metadata/") {
        read_metadata(path).map(|_| Outcome::Metadata)
    } else if file.contains("distance_matrix") {
        let matrix = read_distances(path)?.into_matrix()?;
        Ok(Outcome::Distances(matrix.len()))
    } else {
        let table = read_table(path)?;
        Ok(Outcome::Table(
            table.num_samples(),
            table.num_features(),
            table.num_nonzero(),
        ))
    }
}

#[test]
fn the_corpus_loads_or_ends_in_an_error_naming_the_file() {
    let Some(corpus) = data().map(|folder| folder.join("corpus-malformed")) else {
        return;
    };
    let list = std::fs::read_to_string(corpus.join("EXPECTED.tsv")).unwrap();
    let mut wrong = String::new();
    let mut judged = 0;
    for line in list.lines().skip(1) {
        let mut cells = line.split('\t');
        let (file, text) = (cells.next().unwrap(), cells.nth(2).unwrap_or_default());
        let path = corpus.join(file);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Every reader gets every file: none may panic, and each error must name the file.
        let errors = [
            read_table(&path).err(),
            read_metadata(&path).err(),
            read_sequences(&path).err(),
            read_distances(&path).and_then(|d| d.into_matrix()).err(),
        ];
        for error in errors.into_iter().flatten() {
            if !error.to_string().contains(&name) {
                writeln!(wrong, "{file}: the error does not name it: {error}").unwrap();
            }
        }
        let Some(expected) = expected(file, text) else {
            continue;
        };
        if file.ends_with(".nwk") || file.ends_with(".tree") {
            continue;
        }
        judged += 1;
        let found = found(file, &path);
        let as_expected = match (&expected, &found) {
            (Outcome::Error, Err(_)) => true,
            (expected, Ok(found)) => expected == found,
            _ => false,
        };
        if !as_expected {
            writeln!(wrong, "{file}: expected {expected:?}, found {found:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(judged > 100, "only {judged} files were judged");
}

#[test]
fn metadata_of_real_studies_keeps_its_ids_and_kinds() {
    let Some(data) = data() else { return };
    let corpus = data.join("corpus-malformed");
    for (file, samples, first, column, kind) in [
        (
            "real-odd/ecam-metadata.tsv",
            741,
            "10249.C018.14SS",
            "day_of_life",
            ColumnKind::Numeric,
        ),
        (
            "real-odd/exmp-metadata.tsv",
            618,
            "6d4b7",
            "week",
            ColumnKind::Categorical,
        ),
        (
            "real-odd/halfvarson-metadata.tsv",
            683,
            "1629.SubjectIBD425",
            "linker",
            ColumnKind::Categorical,
        ),
        (
            "real-odd/infants-metadata.txt.gz",
            63,
            "101.10",
            "age",
            ColumnKind::Numeric,
        ),
        (
            "real-odd/ravel-task-ph.tsv",
            388,
            "SRR062736",
            "Var",
            ColumnKind::Numeric,
        ),
        (
            "q2-longitudinal/ecam-sample-md-blanks.tsv",
            875,
            "10249.C001.01SS",
            "day-of-life",
            ColumnKind::Numeric,
        ),
        (
            "q2-sample-classifier/chardonnay.map.txt",
            21,
            "v4.3.618",
            "latitude",
            ColumnKind::Numeric,
        ),
    ] {
        let metadata = read_metadata(corpus.join(file)).unwrap();
        assert_eq!(metadata.ids().len(), samples, "{file}");
        assert_eq!(metadata.ids()[0], first, "{file}");
        assert_eq!(metadata.column(column).unwrap().kind, kind, "{file}");
    }
}

/// Samples, ASVs and non-zero counts, from the studies' own notes.
const STUDIES: [(&str, usize, usize, usize); 7] = [
    ("amphibian-larvae", 369, 2420, 46_202),
    ("ecam-infants", 741, 2668, 45_959),
    ("fish-mackerel", 639, 8940, 57_105),
    ("glen-canyon-small", 92, 1107, 31_501),
    ("glen-canyon-soil", 92, 12_646, 62_303),
    ("moving-pictures-34", 34, 770, 2325),
    ("sleep-apnea-mice", 184, 1298, 20_262),
];

#[test]
fn real_studies_load_with_their_counts() {
    let Some(data) = data() else { return };
    for (study, samples, features, counts) in STUDIES {
        let folder = data.join(study);
        let table = read_table(folder.join("table.biom")).unwrap();
        assert_eq!(
            (
                table.num_samples(),
                table.num_features(),
                table.num_nonzero()
            ),
            (samples, features, counts),
            "{study}"
        );
        let metadata = read_metadata(folder.join("metadata.tsv")).unwrap();
        for id in table.sample_ids() {
            assert!(metadata.contains(id), "{study}: {id}");
        }
        let sequences = read_sequences(folder.join("asv.fasta")).unwrap();
        assert_eq!(sequences.len(), features, "{study}");

        let ids = read_ids(folder.join("unifrac-sample-ids.txt")).unwrap();
        for metric in ["unweighted", "weighted-normalized"] {
            let named = read_distances(folder.join(format!("unifrac-{metric}.h5"))).unwrap();
            let named = named.into_matrix().unwrap();
            assert_eq!(named.ids(), ids, "{study}");
            let bare = read_distances(folder.join(format!("unifrac-{metric}.npy"))).unwrap();
            let bare = bare.with_ids(ids.clone()).unwrap().into_matrix().unwrap();
            assert_eq!(named, bare, "{study} {metric}");
        }
    }
}

#[test]
fn errors_of_mixed_up_files_name_the_right_flag() {
    let Some(data) = data() else { return };
    let study = data.join("moving-pictures-34");
    let path = |name: &str| study.join(name);
    let errors = [
        (read_table(path("tree.nwk")).err(), "--tree"),
        (read_table(path("metadata.tsv")).err(), "--metadata"),
        (read_table(path("asv.fasta")).err(), "--sequences"),
        (
            read_table(path("unifrac-unweighted.h5")).err(),
            "--unifrac-matrix",
        ),
        (
            read_table(path("unifrac-unweighted.npy")).err(),
            "--unifrac-matrix",
        ),
        (read_metadata(path("table.biom")).err(), "--table"),
        (read_metadata(path("tree.nwk")).err(), "--tree"),
        (
            read_metadata(path("unifrac-unweighted.h5")).err(),
            "--unifrac-matrix",
        ),
        (read_distances(path("table.biom")).err(), "--table"),
        (read_distances(path("metadata.tsv")).err(), "--metadata"),
        (read_distances(path("tree.nwk")).err(), "--tree"),
        (read_sequences(path("table.biom")).err(), "--table"),
        (read_sequences(path("tree.nwk")).err(), "--tree"),
    ];
    for (error, flag) in errors {
        let message = error.expect("a mixed-up file is refused").to_string();
        assert!(
            message.contains(&format!("pass it with {flag}")),
            "{message}"
        );
    }
    let artifact = data.join("corpus-malformed/q2-sample-classifier/vaw.qza");
    let message = read_distances(&artifact).unwrap_err().to_string();
    assert!(message.contains("FeatureTable[Frequency]"), "{message}");
    assert!(message.contains("pass it with --table"), "{message}");
}
