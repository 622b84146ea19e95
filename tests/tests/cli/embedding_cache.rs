//! The cache of embeddings: the same results with and without it, and whatever is in its directory.

use std::fs;

use aam_tests::{Aam, aam};

/// A study with enough ASVs for their embeddings to be kept.
const STUDY: &str = "simulate --samples 24 --asvs 3000 --sequence-length 60 --richness 300 --depth 3000 \
                     --output-dir study";
const EMBED: &str = "embed --table study/table.biom --overwrite --output e.npy";

/// The files of the cache, with their contents.
fn files(aam: &Aam) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(aam.path("cache")) else {
        return Vec::new();
    };
    let files = entries.flatten().map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).expect("a file"))
    });
    files.collect()
}

fn embeddings(aam: &Aam) -> Vec<u8> {
    fs::read(aam.path("e.npy")).expect("embeddings")
}

#[test]
fn embeddings_are_the_same_with_and_without_the_cache() {
    let aam = aam!();
    aam.ok(STUDY);
    aam.ok(&format!("{EMBED} --cache-dir cache --no-cache"));
    let expected = embeddings(&aam);
    assert!(files(&aam).is_empty());
    aam.ok(&format!("{EMBED} --cache-dir cache"));
    assert_eq!(embeddings(&aam), expected);
    let [(name, whole)] = files(&aam).try_into().expect("one file");
    aam.ok(&format!("{EMBED} --cache-dir cache"));
    assert_eq!(embeddings(&aam), expected);
    // Damaged files are replaced.
    let mut changed = whole.clone();
    changed[100] ^= 1;
    for damaged in [&changed[..], &whole[..1000], b"something else"] {
        fs::write(aam.path("cache").join(&name), damaged).expect("a file");
        aam.ok(&format!("{EMBED} --cache-dir cache"));
        assert_eq!(embeddings(&aam), expected);
        assert_eq!(files(&aam), [(name.clone(), whole.clone())]);
    }
    // Other ASVs have another file.
    let other = aam!();
    other.ok(&format!("{STUDY} --seed 7"));
    other.ok(&format!("{EMBED} --cache-dir cache"));
    let [(another, _)] = files(&other).try_into().expect("one file");
    assert_ne!(name, another);
    // A directory that cannot be created is not an error.
    aam.write("file", "");
    aam.ok(&format!("{EMBED} --cache-dir file/cache"));
    assert_eq!(embeddings(&aam), expected);
}

#[test]
fn all_folds_of_a_training_run_share_the_cache() {
    let aam = aam!();
    aam.ok(STUDY);
    let train = "train --folds 2 --members network --baseline-trees 0 --epochs 1 --table study/table.biom \
                 --metadata study/metadata.tsv --metadata-column ph --cache-dir cache";
    aam.ok(&format!("{train} --no-cache --output-dir without"));
    aam.ok(&format!("{train} --output-dir with"));
    assert_eq!(files(&aam).len(), 1);
    let predictions = |run: &str| aam.read(&format!("{run}/predictions.tsv"));
    assert_eq!(predictions("with"), predictions("without"));
    aam.ok(&format!("{train} --output-dir again"));
    assert_eq!(predictions("again"), predictions("without"));
    assert_eq!(files(&aam).len(), 1);
}
