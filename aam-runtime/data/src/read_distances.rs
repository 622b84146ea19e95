//! Reading distances between samples from a file.
//!
//! `.npy` and `.npz` files contain only numbers, of the whole matrix or of its upper triangle, so their
//! samples are identified by a list of ids or by the order of the table. HDF5 files of `ssu`
//! (unifrac-binaries) contain ids in `order` next to `matrix`. In text (`lsmat`, and CSV), both header and
//! first column name the samples, in any two orders.

use std::path::Path;

use super::distance_file::square;
use super::distances_text::read_text;
use super::hdf5_file::{H5, with_hdf5};
use super::qza::{Artifact, open_zip, read_member};
use super::recognise::{refuse_mix_up, wrong_file};
use super::role::Role;
use super::source::{Kind, Source};
use super::{DataError, DistanceFile, condensed, container, npy};
use aam_core::text::counted;

/// Reads distances from `.npy`, `.npz`, HDF5 in the layout of `ssu`, text (TSV or CSV), or a QIIME
/// 2 artifact of type `DistanceMatrix`; text may be gzipped. The format is detected by content.
///
/// # Errors
/// The file is something else (the message says what it looks like), the matrix is not square, or
/// its row and column ids differ.
pub fn read_distances(path: impl AsRef<Path>) -> Result<DistanceFile, DataError> {
    read(&container::open(path.as_ref())?.0)
}

fn read(source: &Source) -> Result<DistanceFile, DataError> {
    match source.kind() {
        Kind::Npy => read_npy(source),
        Kind::Hdf5 => read_hdf5(source),
        Kind::Zip => read_zip(source),
        Kind::Text | Kind::Utf16 => read_text(source),
        Kind::Json | Kind::RObject | Kind::Binary | Kind::Empty => {
            Err(wrong_file(source, Role::Distances))
        }
    }
}

fn read_npy(source: &Source) -> Result<DistanceFile, DataError> {
    let array = npy::open(source)?;
    if let &[pairs] = array.shape() {
        let samples = condensed::samples(pairs).ok_or_else(|| not_a_triangle(source, pairs))?;
        let values = condensed::square(&array.values(source)?, samples);
        return DistanceFile::new(source, None, &[samples as u64; 2], values);
    }
    square(array.shape()).map_err(|e| source.in_file(e))?;
    let shape = array.shape().to_vec();
    DistanceFile::new(source, None, &shape, array.values(source)?)
}

fn not_a_triangle(source: &Source, pairs: u64) -> DataError {
    source
        .error(format!(
            "expected a square matrix of distances or its upper triangle, found one row of {pairs} \
             values, which is not a triangle: N samples have N (N − 1) / 2 pairs"
        ))
        .help("with one value for each sample, add --unifrac-metric faith-pd")
}

fn read_zip(source: &Source) -> Result<DistanceFile, DataError> {
    let mut archive = open_zip(source)?;
    let arrays: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .filter(|name| name.ends_with(".npy") && !name.contains('/'))
        .map(|name| name.into_owned())
        .collect();
    let chosen = ["distances.npy", "matrix.npy"]
        .iter()
        .find(|name| arrays.iter().any(|array| array == *name))
        .map(|name| (*name).to_owned());
    match (chosen, &arrays[..]) {
        (Some(name), _) => {
            let bytes = read_member(source, &mut archive, &name)?;
            read_npy(&Source::from_bytes(source.path(), Some(&name), bytes)?)
        }
        (None, [name]) => {
            let bytes = read_member(source, &mut archive, name)?;
            read_npy(&Source::from_bytes(source.path(), Some(name), bytes)?)
        }
        (None, []) => {
            let payload =
                Artifact::open(source)?.payload(Role::Distances, "distance-matrix.tsv")?;
            read_text(&payload)
        }
        (None, _) => Err(source
            .error(format!("holds several arrays: {}", arrays.join(", ")))
            .help("name the array of distances 'distances'")),
    }
}

fn read_hdf5(source: &Source) -> Result<DistanceFile, DataError> {
    refuse_mix_up(source, Role::Distances)?;
    with_hdf5(source, |h5| {
        let name = distances_name(h5, source)?;
        let dataset = h5.dataset(&name)?;
        let shape = dataset.shape().to_vec();
        square(&shape).map_err(|e| source.in_file(e.at(format!("dataset '{name}'"))))?;
        let ids = match h5.find("order")? {
            Some(order) => {
                let ids = h5
                    .texts(&order)?
                    .into_iter()
                    .map(|id| without_b(&id).to_owned());
                Some(ids.collect::<Vec<_>>())
            }
            None => None,
        };
        if ids
            .as_ref()
            .is_some_and(|ids| Some(&(ids.len() as u64)) != shape.first())
        {
            return Err(source.error(format!(
                "'order' lists {}, '{name}' has {}",
                counted(ids.map_or(0, |ids| ids.len()), "sample"),
                shape[0]
            )));
        }
        DistanceFile::new(source, ids, &shape, h5.numbers(&dataset)?)
    })
}

fn distances_name(h5: &H5, source: &Source) -> Result<String, DataError> {
    let names = h5.top_datasets()?;
    for known in ["distances", "matrix"] {
        if names.iter().any(|name| name == known) {
            return Ok(known.to_owned());
        }
    }
    if names.iter().any(|name| name == "faith_pd") {
        return Err(source
            .error("holds one value per sample ('faith_pd'), expected distances between samples"));
    }
    match &names[..] {
        [only] => Ok(only.clone()),
        _ => Err(source
            .error(format!(
                "expected the distances in a dataset 'matrix' or 'distances', found {}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ))
            .help("give the HDF5 file that 'ssu' wrote")),
    }
}

/// Strips the notation of a Python byte string, `b'id'`, that some writers add to ids.
fn without_b(id: &str) -> &str {
    ["'", "\""]
        .iter()
        .find_map(|quote| {
            id.strip_prefix('b')?
                .strip_prefix(quote)?
                .strip_suffix(quote)
        })
        .unwrap_or(id)
}
