//! The input files: which of them are used, and what they contain.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use aam_core::DataError;
use aam_core::text::counted;
use aam_data::{
    DistanceFile, Metadata, Role, Sequences, Storage, Table, Tree, ids_beside, read_distances,
    read_ids, read_metadata, read_sample_values, read_sequences, read_table_file, read_tree,
    without_lengths,
};
use aam_report::check::FileFound;

use super::Findings;
use super::choice::{choose, unused, what};
use super::folder::{Candidate, Candidates};
use super::sequences::named_by_sequences;
use crate::options::CheckOptions;

/// The files that could be read.
#[derive(Default)]
pub struct Study {
    pub table: Option<(PathBuf, Table)>,
    /// Whether the table was read with rows as samples.
    pub transposed: bool,
    /// Whether ASVs missing from the tree are dropped.
    pub drop_missing: bool,
    pub metadata: Option<Metadata>,
    pub sequences: Option<(PathBuf, Sequences)>,
    pub tree: Option<(PathBuf, Tree)>,
    /// Whether the tree was named by a flag.
    pub tree_named: bool,
    pub distances: Option<(PathBuf, Distances)>,
}

/// Distances, or one value per sample.
pub struct Distances {
    /// Ids of the samples.
    pub ids: Vec<String>,
    /// Whether these are values per sample, not distances.
    pub values: bool,
    /// The file with the ids, unless it is next to the matrix.
    pub list: Option<PathBuf>,
}

impl Study {
    /// Reads the files in `candidates`; of several per role, the first that can be used.
    pub fn read(options: &CheckOptions, mut all: Candidates, found: &mut Findings) -> Self {
        let mut study = Self {
            transposed: options.transpose,
            drop_missing: options.tree_options.drop_missing,
            ..Self::default()
        };
        if all.table.is_empty() {
            study.transposed |= look_again_for_a_table(&mut all);
        }
        let transposed = study.transposed;
        study.table = choose(
            (Role::Table, true),
            all.table,
            found,
            |_| 1.0,
            |path| {
                let file = read_table_file(path, transposed, &Storage::Memory)?;
                let (samples, asvs) = (file.table.num_samples(), file.table.num_features());
                let held = format!("{}, {}", counted(samples, "sample"), counted(asvs, "ASV"));
                Ok((file.table, held, file.notes))
            },
        );
        study.read_metadata(all.metadata, &mut all.others, found);
        study.turn_table(found);
        study.read_sequences(all.sequences, found);
        study.read_tree(options, all.tree, found);
        study.read_distances(options, all.distances, found);
        for other in all.others {
            found.files.push(FileFound {
                path: other.path.display().to_string(),
                what: what(&other),
                flag: None,
                holds: None,
                notes: Vec::new(),
            });
        }
        study
    }

    fn read_metadata(
        &mut self,
        mut candidates: Vec<Candidate>,
        others: &mut Vec<Candidate>,
        found: &mut Findings,
    ) {
        let samples: Option<HashSet<&str>> = self
            .table
            .as_ref()
            .map(|(_, table)| table.sample_ids().iter().map(String::as_str).collect());
        let fits = |metadata: &Metadata| match &samples {
            Some(samples) => {
                let ids = metadata.ids().iter();
                let both = ids.filter(|id| samples.contains(id.as_str())).count();
                both as f64 / samples.len().max(1) as f64
            }
            None => 1.0,
        };
        if candidates.is_empty() {
            candidates = take(others, |path| {
                read_metadata(path)
                    .is_ok_and(|metadata| !metadata.columns().is_empty() && fits(&metadata) > 0.0)
            });
        }
        let read = |path: &Path| {
            let metadata = read_metadata(path)?;
            let (samples, columns) = (metadata.ids().len(), metadata.columns().len());
            let held = format!(
                "{}, {}",
                counted(samples, "sample"),
                counted(columns, "column")
            );
            let notes = metadata.notes().to_vec();
            Ok((metadata, held, notes))
        };
        let chosen = choose((Role::Metadata, true), candidates, found, fits, read);
        self.metadata = chosen.map(|(_, metadata)| metadata);
    }

    /// Transposes the table if the metadata contains the ids of its ASVs but of none of its
    /// samples.
    fn turn_table(&mut self, found: &mut Findings) {
        let (Some((path, table)), Some(metadata)) = (&mut self.table, &self.metadata) else {
            return;
        };
        let is_right = table.sample_ids().iter().any(|id| metadata.contains(id));
        if is_right || !table.feature_ids().iter().any(|id| metadata.contains(id)) {
            return;
        }
        let Ok(turned) = table.transposed() else {
            return;
        };
        *table = turned;
        self.transposed = !self.transposed;
        let of_table = |file: &&mut FileFound| file.path == path.display().to_string();
        if let Some(file) = found.files.iter_mut().find(of_table) {
            file.holds = Some(format!(
                "{}, {}",
                counted(table.num_samples(), "sample"),
                counted(table.num_features(), "ASV")
            ));
            let how = match self.transposed {
                true => "transposed, as with --transpose",
                false => "transposed back: leave out --transpose",
            };
            file.notes.push(format!(
                "its ASV ids are the sample ids of the metadata: {how}"
            ));
        }
    }

    fn read_sequences(&mut self, candidates: Vec<Candidate>, found: &mut Findings) {
        let table = self.table.as_ref().map(|(_, table)| table);
        let needed = candidates.iter().any(|file| file.named)
            || table.is_none_or(|table| !named_by_sequences(table));
        if !needed {
            for file in candidates {
                let why = "not needed: the ASVs of the table are named by their sequences";
                found.files.push(unused(&file, why));
            }
            return;
        }
        let fits = |sequences: &Sequences| match table {
            Some(table) => share(table, |id| sequences.get(id).is_some()),
            None => 1.0,
        };
        self.sequences = choose((Role::Sequences, true), candidates, found, fits, |path| {
            let sequences = read_sequences(path)?;
            let held = counted(sequences.len(), "sequence");
            Ok((sequences, held, Vec::new()))
        });
        // Only now are the ASVs known.
        if let (Some((path, table)), Some((_, sequences))) = (&mut self.table, &self.sequences) {
            let mut notes = Vec::new();
            *table = without_lengths_of(std::mem::take(table), sequences, &mut notes);
            let of_table = |file: &&mut FileFound| file.path == path.display().to_string();
            if let Some(file) = found.files.iter_mut().find(of_table) {
                notes.retain(|note| !file.notes.contains(note));
                file.notes.extend(notes);
            }
        }
    }

    fn read_tree(
        &mut self,
        options: &CheckOptions,
        candidates: Vec<Candidate>,
        found: &mut Findings,
    ) {
        let newick = options.tree_options.newick();
        let (table, sequences) = (&self.table, &self.sequences);
        let fits = |tree: &Tree| match table {
            Some((_, table)) => share(table, |id| {
                let sequence = sequences.as_ref().and_then(|(_, all)| all.get(id));
                tree.tip(id).is_some() || sequence.is_some_and(|other| tree.tip(other).is_some())
            }),
            None => 1.0,
        };
        self.tree_named = candidates.iter().any(|file| file.named);
        let needed = self.metadata.is_none();
        self.tree = choose((Role::Tree, needed), candidates, found, fits, |path| {
            let tree = read_tree(path, &newick)?;
            let held = counted(tree.tips().len(), "tip");
            Ok((tree, held, Vec::new()))
        });
    }

    fn read_distances(
        &mut self,
        options: &CheckOptions,
        candidates: Vec<Candidate>,
        found: &mut Findings,
    ) {
        let table = self.table.as_ref().map(|(_, table)| table.sample_index());
        let fits = |distances: &Distances| match &table {
            Some(samples) => {
                let ids = distances.ids.iter();
                let both = ids.filter(|id| samples.contains_key(id.as_str())).count();
                both as f64 / samples.len().max(1) as f64
            }
            None => 1.0,
        };
        let needed = self.metadata.is_none();
        self.distances = choose((Role::Distances, needed), candidates, found, fits, |path| {
            let list = options.unifrac_ids.clone();
            let distances = distances(path, list.clone())?;
            let of = if distances.values {
                "values"
            } else {
                "distances"
            };
            let held = format!("{of} of {}", counted(distances.ids.len(), "sample"));
            Ok((distances, held, Vec::new()))
        });
    }
}

/// The fraction of the ASVs of `table` that are `known`.
fn share(table: &Table, known: impl Fn(&str) -> bool) -> f64 {
    let ids = table.feature_ids().iter();
    ids.filter(|&id| known(id)).count() as f64 / table.num_features().max(1) as f64
}

/// Reads the distances, or the values per sample, at `path`. Their order is never guessed.
fn distances(path: &Path, list: Option<PathBuf>) -> Result<Distances, DataError> {
    let beside = ids_beside(path);
    let ids_for = |lacking: bool| {
        let beside = (lacking && beside.is_file()).then_some(&beside);
        list.as_ref().or(beside).map(read_ids).transpose()
    };
    let file = match read_distances(path) {
        Ok(file) => file,
        Err(error) => {
            let Ok(mut values) = read_sample_values(path) else {
                return Err(error);
            };
            if let Some(ids) = ids_for(values.ids().is_none())? {
                values = values.with_ids(ids)?;
            }
            let mut ids: Vec<String> = values.by_id()?.into_keys().collect();
            ids.sort_unstable();
            return Ok(Distances {
                ids,
                values: true,
                list,
            });
        }
    };
    let named = |file: DistanceFile| -> Result<DistanceFile, DataError> {
        match ids_for(file.ids().is_none())? {
            Some(ids) => file.with_ids(ids),
            None => Ok(file),
        }
    };
    let matrix = named(file)?.into_matrix()?;
    Ok(Distances {
        ids: matrix.ids().to_vec(),
        values: false,
        list,
    })
}

/// Drops a sample that holds the lengths of the ASVs, which are known from `sequences`.
fn without_lengths_of(table: Table, sequences: &Sequences, notes: &mut Vec<String>) -> Table {
    let Ok(of_asvs) = sequences.of(table.feature_ids()) else {
        return table;
    };
    // Several ids may have one sequence.
    let Ok((renamed, _)) = table.clone().merged_by(of_asvs) else {
        return table;
    };
    let kept = without_lengths(renamed, notes);
    if kept.num_samples() == table.num_samples() {
        return table;
    }
    let known: HashSet<&String> = kept.sample_ids().iter().collect();
    let rows: Vec<usize> = (0..table.num_samples())
        .filter(|&row| known.contains(&table.sample_ids()[row]))
        .collect();
    table.select_samples(&rows)
}

/// If no file looks like a table, adds candidates that can be read as one: text whose header is not
/// informative, or files that look like metadata and hold counts with samples as rows. Returns
/// whether it is the latter.
fn look_again_for_a_table(all: &mut Candidates) -> bool {
    let reads = |path: &Path, transposed: bool| {
        read_table_file(path, transposed, &Storage::Memory)
            .is_ok_and(|file| file.table.num_samples() > 1 && file.table.num_features() > 1)
    };
    all.table = take(&mut all.others, |path| reads(path, false));
    if !all.table.is_empty() || all.metadata.len() < 2 {
        return false;
    }
    let turned = |file: &Candidate| {
        let looks = file.looks.as_ref().ok();
        looks.is_some_and(|looks| looks.help.is_some()) && !file.named && reads(&file.path, true)
    };
    match all.metadata.iter().position(turned) {
        Some(place) => {
            let table = all.metadata.remove(place);
            all.table.push(table);
            true
        }
        None => false,
    }
}

/// Takes those of `others` that are text and that `read` accepts.
fn take(others: &mut Vec<Candidate>, read: impl Fn(&Path) -> bool) -> Vec<Candidate> {
    let (taken, left) = std::mem::take(others).into_iter().partition(|file| {
        let looks = file.looks.as_ref().ok();
        looks.is_some_and(|looks| looks.is_text()) && read(&file.path)
    });
    *others = left;
    taken
}
