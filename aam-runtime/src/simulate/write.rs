//! Writes a simulated study to files.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::Study;
use aam_core::DataError;
use aam_core::io_words::in_words;
use aam_data::{newick, write_biom, write_distances_npy, write_distances_tsv};
use aam_run::output_lock::OutputLock;

/// The first line of a study's README, by which such a folder is recognised.
const TITLE: &str = "# A simulated study\n";
/// The files of a study.
const FILES: [&str; 10] = [
    "table.biom",
    "new.biom",
    "tree.nwk",
    "metadata.tsv",
    "unifrac.tsv",
    "unifrac.npy",
    "unifrac.npy.ids.txt",
    "truth-samples.tsv",
    "truth-asvs.tsv",
    "README.md",
];

const README: &str = "\
# A simulated study

Created by `aam simulate` with known parameters. `aam simulate --help` lists the options.

| file | contents |
|---|---|
| `table.biom` | reads per sample and ASV (BIOM 2.1); ASVs are named by their sequence |
| `new.biom` | further samples of the same community, to predict |
| `tree.nwk` | the tree on which the sequences evolved, including ASVs that occur in no sample |
| `metadata.tsv` | `gradient`, `ph` (a noisy measurement of it) and `habitat` per sample |
| `unifrac.tsv`, `unifrac.npy` | UniFrac distances; the ids of the second are in `unifrac.npy.ids.txt` |
| `truth-samples.tsv` | the environment of each sample, including the hidden variable |
| `truth-asvs.tsv` | the response of each ASV to it, in log abundance |
";

impl Study {
    /// Writes the study to a new folder at `folder`. With `overwrite`, an existing study is
    /// replaced, but nothing else in the folder.
    ///
    /// The files are written next to it first, so that the study appears as a whole or not at all.
    ///
    /// # Errors
    /// Those of [`check_place`], or if `folder` cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>, overwrite: bool) -> Result<(), DataError> {
        let folder = folder.as_ref();
        check_place(folder, overwrite)?;
        let parent = parent_of(folder);
        fs::create_dir_all(parent).map_err(|e| cannot_write(parent, &e))?;
        let _held = OutputLock::hold_beside(folder).map_err(|e| DataError::new(e.to_string()))?;
        check_place(folder, overwrite)?;
        let beside = Beside::new(folder)?;
        let path = |name: &str| beside.0.join(name);
        let at = |error| in_folder(error, folder);
        write_biom(path("table.biom"), &self.table).map_err(at)?;
        write_biom(path("new.biom"), &self.new).map_err(at)?;
        write_distances_tsv(path("unifrac.tsv"), &self.unifrac).map_err(at)?;
        write_distances_npy(path("unifrac.npy"), &self.unifrac).map_err(at)?;
        for (name, text) in [
            ("unifrac.npy.ids.txt", self.ids_text()),
            ("tree.nwk", newick::write(&self.tree)),
            ("metadata.tsv", self.metadata_text()),
            ("truth-samples.tsv", self.samples_text()),
            ("truth-asvs.tsv", self.asvs_text()),
            ("README.md", README.to_owned()),
        ] {
            fs::write(path(name), text).map_err(|e| cannot_write(&folder.join(name), &e))?;
        }
        if !holds_files(folder) {
            return fs::rename(&beside.0, folder).map_err(|e| cannot_write(folder, &e));
        }
        for name in FILES {
            let place = folder.join(name);
            fs::rename(path(name), &place).map_err(|e| cannot_write(&place, &e))?;
        }
        Ok(())
    }

    fn ids_text(&self) -> String {
        let ids = self.table.sample_ids().iter();
        ids.map(|id| format!("{id}\n")).collect()
    }

    fn metadata_text(&self) -> String {
        let mut text = "sample-id\tgradient\tph\thabitat\n".to_owned();
        text.push_str("#q2:types\tnumeric\tnumeric\tcategorical\n");
        for (s, id) in self.table.sample_ids().iter().enumerate() {
            let ph = self.metadata.ph[s].map_or(String::new(), |ph| format!("{ph:.3}"));
            let habitat = self.metadata.habitat[s].unwrap_or_default();
            let gradient = self.metadata.gradient[s];
            let _ = writeln!(text, "{id}\t{gradient:.6}\t{ph}\t{habitat}");
        }
        text
    }

    fn samples_text(&self) -> String {
        let truth = &self.truth;
        let mut text = "sample-id\tgradient\thabitat\thidden\treads\tasvs\n".to_owned();
        for (s, id) in self.table.sample_ids().iter().enumerate() {
            let _ = writeln!(
                text,
                "{id}\t{}\t{}\t{}\t{}\t{}",
                truth.gradient[s],
                truth.habitats[truth.habitat[s]],
                truth.hidden[s],
                self.table.depth(s),
                self.table.row(s).0.len(),
            );
        }
        text
    }

    fn asvs_text(&self) -> String {
        let truth = &self.truth;
        let mut text = "feature-id\tbaseline\tslope".to_owned();
        for habitat in &truth.habitats {
            let _ = write!(text, "\teffect-{habitat}");
        }
        text.push('\n');
        for (a, id) in self.table.feature_ids().iter().enumerate() {
            let _ = write!(text, "{id}\t{}\t{}", truth.baseline[a], truth.slope[a]);
            for effect in &truth.effect[a] {
                let _ = write!(text, "\t{effect}");
            }
            text.push('\n');
        }
        text
    }
}

/// Checks that a study can be written to `folder`, without changing anything.
///
/// # Errors
/// If `folder` is a file or a non-empty folder; with `overwrite`, if it contains no study.
pub fn check_place(folder: &Path, overwrite: bool) -> Result<(), DataError> {
    let refuse = |problem: &str| Err(DataError::in_file(folder, problem));
    if folder.is_file() {
        return refuse("already exists and is a file");
    }
    if !holds_files(folder) {
        return Ok(());
    }
    let readme = fs::read(folder.join("README.md")).unwrap_or_default();
    match (overwrite, readme.starts_with(TITLE.as_bytes())) {
        (true, true) => Ok(()),
        (false, true) => refuse(
            "already exists and contains a study; choose another folder, or replace the study with --overwrite",
        ),
        (false, false) => refuse("already exists; choose another folder"),
        (true, false) => refuse(
            "contains files other than a simulated study, which --overwrite does not remove; choose another folder",
        ),
    }
}

fn holds_files(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

/// The error with the path known to the user instead of the temporary one.
fn in_folder(mut error: DataError, folder: &Path) -> DataError {
    let name = error.file.as_deref().and_then(Path::file_name);
    error.file = name.map(|name| folder.join(name));
    error
}

/// The parent of `folder`.
fn parent_of(folder: &Path) -> &Path {
    match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A temporary folder next to the target, removed unless renamed to it.
struct Beside(PathBuf);

impl Beside {
    fn new(folder: &Path) -> Result<Self, DataError> {
        let Some(name) = folder.file_name() else {
            return Err(
                DataError::in_file(folder, "is not a valid name for a new folder")
                    .help("choose another folder"),
            );
        };
        let beside = parent_of(folder).join(format!(
            ".{}.partial-{}",
            name.to_string_lossy(),
            std::process::id()
        ));
        fs::create_dir(&beside).map_err(|e| cannot_write(&beside, &e))?;
        Ok(Self(beside))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Already gone if all went well.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> DataError {
    DataError::in_file(path, format!("cannot be written: {}", in_words(error)))
        .help("check the folder, its permissions and the space left on the disk")
}
