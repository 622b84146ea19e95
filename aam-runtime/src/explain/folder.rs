//! The output directory of an explanation.

use std::path::{Path, PathBuf};

use aam_core::file_operations::remove_file;
use aam_run::RunError;
use aam_run::run_directory::holds_files;

/// The HTML page.
pub const PAGE: &str = "explain.html";
/// One row per ASV.
pub const IMPORTANCE: &str = "importance.tsv";
/// One row per sample and ASV.
pub const ATTRIBUTIONS: &str = "attributions.tsv";
/// One row per sample.
pub const SAMPLES: &str = "samples.tsv";
/// One row per genus.
pub const GENERA: &str = "genera.tsv";
/// One row per clade.
pub const CLADES: &str = "clades.tsv";
/// One row per shuffled group.
pub const SHUFFLED: &str = "shuffled.tsv";
/// Predictions as a function of the relative abundance of an ASV.
pub const DEPENDENCE: &str = "dependence.tsv";
/// One row per sample, head and key.
pub const ATTENTION: &str = "attention.tsv";
/// The same as arrays.
pub const ATTENTION_ARRAYS: &str = "attention.npz";
/// The numbers of the heat maps of attention weights.
pub const ATTENTION_MAP: &str = "attention-map.tsv";
/// The heat maps of attention weights, one for each part of the model.
pub const ATTENTION_PICTURES: [&str; 4] = [
    "attention-1.svg",
    "attention-2.svg",
    "attention-3.svg",
    "attention-4.svg",
];
/// One row per input of the model besides single ASVs.
pub const INPUTS: &str = "inputs.tsv";
/// One row per ASV and base.
pub const BASES: &str = "bases.tsv";
/// The effects of the bases of individual ASVs.
pub const BASES_PICTURES: [&str; 6] = [
    "bases-1.svg",
    "bases-2.svg",
    "bases-3.svg",
    "bases-4.svg",
    "bases-5.svg",
    "bases-6.svg",
];
/// Feature metadata for EMPress.
pub const EMPRESS: &str = "empress.tsv";
/// Bar chart data for iTOL.
pub const ITOL_BARS: &str = "itol-importance.txt";
/// Colour strip data for iTOL.
pub const ITOL_COLOURS: &str = "itol-direction.txt";
/// Artifact for QIIME 2.
pub const ARTIFACT: &str = "importance.qza";
/// The plots.
pub const PICTURES: [&str; 4] = ["importance.svg", "samples.svg", "genera.svg", "inputs.svg"];
/// The most important ASVs on the tree.
pub const TREE: &str = "tree.svg";
/// The partial dependence plots of individual ASVs.
pub const CURVES: [&str; 6] = [
    "dependence-1.svg",
    "dependence-2.svg",
    "dependence-3.svg",
    "dependence-4.svg",
    "dependence-5.svg",
    "dependence-6.svg",
];

/// All output files of an explanation.
fn all() -> impl Iterator<Item = &'static str> {
    let tables = [
        IMPORTANCE,
        ATTRIBUTIONS,
        SAMPLES,
        GENERA,
        CLADES,
        SHUFFLED,
        DEPENDENCE,
        ATTENTION,
        ATTENTION_ARRAYS,
        ATTENTION_MAP,
        INPUTS,
        BASES,
        EMPRESS,
        ITOL_BARS,
        ITOL_COLOURS,
        ARTIFACT,
    ];
    // The page identifies the folder as an explanation, and comes last.
    tables
        .into_iter()
        .chain(PICTURES)
        .chain([TREE])
        .chain(CURVES)
        .chain(ATTENTION_PICTURES)
        .chain(BASES_PICTURES)
        .chain([PAGE])
}

/// Checks that an explanation can be written to `path`, without changing anything.
///
/// # Errors
/// A file, or a non-empty folder; with `overwrite`, one without an explanation.
pub fn check(path: &Path, overwrite: bool) -> Result<(), RunError> {
    let refuse = |problem: &str| {
        let path = path.display().to_string();
        Err(RunError::value("output-dir", path, problem))
    };
    if path.is_file() {
        return refuse("this is a file; name a folder");
    }
    match (holds_files(path), path.join(PAGE).is_file()) {
        (false, _) => Ok(()),
        (true, true) if overwrite => Ok(()),
        (true, true) => refuse(
            "the folder contains an explanation; choose another one, or replace it with --overwrite",
        ),
        (true, false) => {
            refuse("the folder contains files other than an explanation; choose another one")
        }
    }
}

/// Removes the explanation in the folder, and nothing else.
///
/// # Errors
/// A file that cannot be removed.
pub fn clear(path: &Path) -> Result<(), RunError> {
    for name in all() {
        let file: PathBuf = path.join(name);
        if file.is_file() {
            remove_file(&file).map_err(RunError::write(&file))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_explanation_is_replaced_and_other_files_stay() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path();
        assert!(check(path, false).is_ok() && check(&path.join("new"), false).is_ok());
        std::fs::write(path.join("notes.txt"), "mine").unwrap();
        assert!(check(path, true).is_err());
        for name in [PAGE, GENERA] {
            std::fs::write(path.join(name), "").unwrap();
        }
        assert!(check(path, false).is_err() && check(path, true).is_ok());
        clear(path).unwrap();
        assert!(!path.join(GENERA).exists() && path.join("notes.txt").exists());
        assert!(check(&path.join("notes.txt"), true).is_err());
    }
}
