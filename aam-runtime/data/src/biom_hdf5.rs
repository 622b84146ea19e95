//! BIOM 2.x, a sparse table in HDF5.
//!
//! The file stores the counts twice, by feature (`observation/matrix`) and by sample
//! (`sample/matrix`), each as `data`, `indices` and `indptr`; ids are in `observation/ids` and
//! `sample/ids`. The copy by sample is read, because its rows match ours. The other copy must agree
//! with it, and is used if it is the only one.

use std::ops::Range;

use hdf5_reader::Dataset;

use super::DataError;
use super::cells::Storage;
use super::hdf5_columns::Numbers;
use super::hdf5_file::{H5, with_hdf5};
use super::recognise::refuse_mix_up;
use super::role::Role;
use super::source::Source;
use super::table::{Table, TableBuilder, reads_of};

/// Number of counts by feature that are sorted at a time; each such batch reads the file again.
const TURNED_AT_ONCE: usize = 1 << 25;

/// Reads a BIOM 2.0 or 2.1 table and stores its counts in `storage` block by block.
pub fn read(source: &Source, storage: &Storage) -> Result<Table, DataError> {
    refuse_mix_up(source, Role::Table)?;
    with_hdf5(source, |h5| {
        let samples = h5.texts(&dataset(h5, "sample/ids", source)?)?;
        let features = h5.ids(&dataset(h5, "observation/ids", source)?)?;
        let (rows, columns) = (samples.len(), features.len());
        let by_sample = h5.find("sample/matrix/data")?.is_some();
        let by_feature = h5.find("observation/matrix/data")?.is_some();
        let group = match by_sample {
            true => "sample/matrix",
            false => "observation/matrix",
        };
        let located = |error| source.in_file(error);
        if !by_sample {
            let matrix = Matrix::open(h5, source, group, columns, rows)?;
            let table = TableBuilder::new(samples, features, matrix.stored(), storage);
            return matrix
                .turned_table(table.map_err(located)?)
                .map_err(located);
        }
        let matrix = Matrix::open(h5, source, group, rows, columns)?;
        let table = TableBuilder::new(samples, features, matrix.stored(), storage);
        let (table, digest) = matrix.table(table.map_err(located)?).map_err(located)?;
        if by_feature {
            let other = Matrix::open(h5, source, "observation/matrix", columns, rows)?;
            other.check_against(&table, digest).map_err(located)?;
        }
        Ok(table)
    })
}

fn dataset(h5: &H5, path: &str, source: &Source) -> Result<Dataset, DataError> {
    h5.find(path)?.ok_or_else(|| {
        source
            .error(format!("is not a BIOM table: it has no dataset '{path}'"))
            .help("give a BIOM 2.1 table, for example made with `biom convert --to-hdf5`")
    })
}

/// A matrix in compressed sparse row format; rows are samples or features.
struct Matrix<'a> {
    h5: &'a H5<'a>,
    source: &'a Source,
    group: &'static str,
    minors: usize,
    indptr: Vec<usize>,
    indices: Dataset,
    data: Dataset,
}

impl<'a> Matrix<'a> {
    fn open(
        h5: &'a H5<'a>,
        source: &'a Source,
        group: &'static str,
        majors: usize,
        minors: usize,
    ) -> Result<Self, DataError> {
        let [data, indices, indptr] =
            ["data", "indices", "indptr"].map(|name| h5.dataset(&format!("{group}/{name}")));
        let (data, indices, indptr) = (data?, indices?, indptr?);
        let mut matrix = Self {
            h5,
            source,
            group,
            minors,
            indptr: Vec::new(),
            indices,
            data,
        };
        h5.refuse_overlong(&matrix.data)?;
        let fail = |name: &str, problem: String| Err(matrix.damaged(name, problem));
        let stored = h5.len(&matrix.data)?;
        if h5.len(&matrix.indices)? != stored {
            let found = h5.len(&matrix.indices)?;
            return fail("indices", format!("{found} indices for {stored} counts"));
        }
        if h5.len(&indptr)? != majors + 1 {
            let found = h5.len(&indptr)?;
            return fail(
                "indptr",
                format!(
                    "{found} row offsets for {majors} rows, expected {}",
                    majors + 1
                ),
            );
        }
        let indptr: Vec<usize> = h5
            .indices(&indptr)?
            .into_iter()
            .map(|v| usize::try_from(v).unwrap_or(usize::MAX))
            .collect();
        if indptr.first() != Some(&0) || indptr.last() != Some(&stored) {
            return fail(
                "indptr",
                format!("does not run from 0 to {stored}, the number of counts"),
            );
        }
        if let Some(row) = indptr.windows(2).position(|pair| pair[0] > pair[1]) {
            return fail("indptr", format!("decreases after row {row}"));
        }
        matrix.indptr = indptr;
        Ok(matrix)
    }

    fn damaged(&self, name: &str, problem: String) -> DataError {
        let group = self.group;
        self.source
            .in_file(DataError::new(problem).at(format!("dataset '{group}/{name}'")))
            .help("the file is damaged: fetch or write it again")
    }

    /// Number of stored counts, including zeros.
    fn stored(&self) -> usize {
        self.indptr.last().copied().unwrap_or(0)
    }

    /// Passes the non-zero entries of each row to `each`, as minor index and reads. `place` maps a
    /// row and a minor index to the sample and the feature.
    fn each_row(
        &self,
        place: impl Fn(usize, u32) -> (String, String),
        mut each: impl FnMut(usize, &[(u32, u32)]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut indices = Numbers::new(self.h5, &self.indices, H5::indices_in)?;
        let mut data = Numbers::new(self.h5, &self.data, H5::numbers_in)?;
        let (mut minors, mut values, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for (major, range) in self.indptr.windows(2).enumerate() {
            let count = range[1] - range[0];
            indices.take(count, &mut minors)?;
            data.take(count, &mut values)?;
            if minors.len() != count || values.len() != count {
                return Err(self.damaged("data", "ends too early".to_owned()));
            }
            entries.clear();
            for (&minor, &value) in minors.iter().zip(&values) {
                if minor >= self.minors as u64 {
                    let problem = format!("index {minor} is not below {}", self.minors);
                    return Err(self.damaged("indices", problem));
                }
                let minor = minor as u32;
                let reads = reads_of(value).map_err(|error| {
                    let (sample, feature) = place(major, minor);
                    error.at(format!(
                        "dataset '{}/data', sample '{sample}', feature '{feature}'",
                        self.group
                    ))
                })?;
                if reads > 0 {
                    entries.push((minor, reads));
                }
            }
            each(major, &entries)?;
        }
        Ok(())
    }

    /// The table, with samples as rows, and the digest of its contents.
    fn table(&self, mut table: TableBuilder) -> Result<(Table, Digest), DataError> {
        let features = table.feature_ids().clone();
        let samples = table.sample_ids().to_vec();
        let place = |row: usize, minor| (samples[row].clone(), features[minor as usize].to_owned());
        let mut digest = Digest::default();
        let (mut sorted, mut columns, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        self.each_row(place, |sample, entries| {
            sorted.clear();
            sorted.extend_from_slice(entries);
            sorted.sort_unstable();
            columns.clear();
            counts.clear();
            for &(column, reads) in &sorted {
                columns.push(column);
                counts.push(reads);
                digest.add(sample as u32, column, reads);
            }
            table.push(&columns, &counts)
        })?;
        Ok((table.finish()?, digest))
    }

    /// The table, with features as rows.
    fn turned_table(&self, mut table: TableBuilder) -> Result<Table, DataError> {
        let features = table.feature_ids().clone();
        let samples = table.sample_ids().to_vec();
        let place =
            |row: usize, minor: u32| (samples[minor as usize].clone(), features[row].to_owned());
        let mut lengths = vec![0usize; samples.len()];
        self.each_row(place, |_, entries| {
            for &(sample, _) in entries {
                lengths[sample as usize] += 1;
            }
            Ok(())
        })?;
        for samples in parts(&lengths, TURNED_AT_ONCE) {
            let start = samples.start;
            let lengths = &lengths[samples];
            let mut next: Vec<usize> = Vec::with_capacity(lengths.len());
            let mut total = 0;
            for length in lengths {
                next.push(total);
                total += length;
            }
            let mut columns = vec![0; total];
            let mut counts = vec![0; total];
            self.each_row(place, |feature, entries| {
                for &(sample, reads) in entries {
                    let Some(next) = (sample as usize)
                        .checked_sub(start)
                        .and_then(|sample| next.get_mut(sample))
                    else {
                        continue;
                    };
                    columns[*next] = feature as u32;
                    counts[*next] = reads;
                    *next += 1;
                }
                Ok(())
            })?;
            let mut from = 0;
            for length in lengths {
                let row = from..from + length;
                from = row.end;
                table.push(&columns[row.clone()], &counts[row])?;
            }
        }
        table.finish()
    }

    /// Checks that the rows, which are features, contain the counts of `table`, whose digest is
    /// `known`.
    fn check_against(&self, table: &Table, known: Digest) -> Result<(), DataError> {
        let place = |feature: usize, sample: u32| {
            let sample = table.sample_ids()[sample as usize].clone();
            (sample, table.feature_ids()[feature].to_owned())
        };
        let mut digest = Digest::default();
        self.each_row(place, |feature, entries| {
            for &(sample, reads) in entries {
                digest.add(sample, feature as u32, reads);
            }
            Ok(())
        })?;
        if digest == known {
            return Ok(());
        }
        let differs = |place: String| {
            DataError::new("the file holds the counts twice, and the two copies differ")
                .at(place)
                .help("the file is damaged: fetch or write it again")
        };
        self.each_row(place, |feature, entries| {
            for &(sample, reads) in entries {
                let (columns, counts) = table.row(sample as usize);
                let found = columns.binary_search(&(feature as u32));
                if found.map(|at| counts[at]) != Ok(reads) {
                    let (sample, feature) = place(feature, sample);
                    return Err(differs(format!("sample '{sample}', feature '{feature}'")));
                }
            }
            Ok(())
        })?;
        Err(differs(format!("dataset '{}'", self.group)))
    }
}

/// Ranges of consecutive samples whose `lengths` sum to at most `most`, or of a single sample.
fn parts(lengths: &[usize], most: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut total) = (0, 0);
    for (i, length) in lengths.iter().enumerate() {
        if total + length > most && i > start {
            parts.push(start..i);
            (start, total) = (i, 0);
        }
        total += length;
    }
    if start < lengths.len() {
        parts.push(start..lengths.len());
    }
    parts
}

/// An order-independent digest that shows whether two lists of counts are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Digest {
    count: u64,
    sum: u64,
}

impl Digest {
    fn add(&mut self, sample: u32, feature: u32, reads: u32) {
        let cell = u64::from(sample) << 32 | u64::from(feature);
        self.count += 1;
        let mixed = scattered(scattered(cell) ^ u64::from(reads));
        self.sum = self.sum.wrapping_add(mixed);
    }
}

/// Makes every bit of the result depend on every bit of `x`: the finalizer of SplitMix64 (Steele et
/// al. 2014).
fn scattered(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
#[path = "biom_hdf5_tests.rs"]
mod tests;
