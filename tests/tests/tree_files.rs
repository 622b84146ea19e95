//! Tree files: those of real studies, and unusual and broken ones, if `AAM_DATA` contains them.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use aam_runtime::data::newick::{NewickOptions, Rooting, parse, write};
use aam_runtime::data::{read_table, read_tree};

type Outcome = Result<(), Box<dyn Error>>;

/// The folder named by `AAM_DATA`, if set.
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("AAM_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: AAM_DATA is not set");
    }
    folder
}

#[test]
fn trees_of_real_studies_hold_their_asvs_and_survive_writing() -> Outcome {
    let Some(data) = data() else { return Ok(()) };
    let mut trees = 0;
    for folder in fs::read_dir(data)? {
        let folder = folder?.path();
        let path = folder.join("tree.nwk");
        if !path.exists() {
            continue;
        }
        // One of them is unrooted, as written by FastTree.
        let options = NewickOptions {
            root: path
                .to_string_lossy()
                .contains("amphibian-larvae")
                .then_some(Rooting::AsWritten),
            ..NewickOptions::default()
        };
        assert_eq!(
            read_tree(&path, &NewickOptions::default()).is_err(),
            options.root.is_some()
        );
        let tree = read_tree(&path, &options)?;
        let table = read_table(folder.join("table.biom"))?;
        for id in table.feature_ids().iter() {
            assert!(tree.tip(id).is_some(), "{}: {id}", path.display());
        }
        let again = parse(write(&tree).as_bytes(), &NewickOptions::default())?;
        assert_eq!(again.len(), tree.len());
        assert!((0..tree.root()).all(|n| again.length(n) == tree.length(n)));
        trees += 1;
    }
    assert!(trees >= 7, "only {trees} trees were found");
    Ok(())
}

#[test]
fn odd_trees_load_with_the_tips_they_have_or_say_what_is_wrong() -> Outcome {
    let Some(data) = data() else { return Ok(()) };
    let folder = data.join("corpus-malformed");
    let options = NewickOptions {
        missing_length: None,
        root: Some(Rooting::AsWritten),
    };
    let mut trees = 0;
    for line in fs::read_to_string(folder.join("EXPECTED.tsv"))?.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let (file, expected) = (cells[0], cells[3]);
        if !file.ends_with(".tree") && !file.contains(".nwk") {
            continue;
        }
        trees += 1;
        let tips = expected
            .strip_prefix("parses: ")
            .and_then(|e| e.strip_suffix(" tips"));
        match read_tree(folder.join(file), &options) {
            Ok(tree) => assert_eq!(Some(tree.tips().len().to_string().as_str()), tips, "{file}"),
            Err(error) => {
                // A tree without tips is not a tree.
                assert!(matches!(tips, None | Some("0")), "{file}: {error}");
                assert!(
                    error.file.is_some() && !error.problem.is_empty(),
                    "{file}: {error}"
                );
            }
        }
    }
    assert!(trees >= 10, "only {trees} trees were found");
    Ok(())
}
