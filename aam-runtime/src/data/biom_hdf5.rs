//! BIOM 2.x, a sparse table in HDF5.
//!
//! The file keeps the counts twice, by feature (`observation/matrix`) and by sample
//! (`sample/matrix`), each as `data`, `indices` and `indptr`; ids are `observation/ids` and
//! `sample/ids`. The copy by sample is the one that is read, as its rows are ours; the other must
//! agree with it, and serves alone where it is the only one.

use super::DataError;
use super::hdf5_file::{H5, with_hdf5};
use super::role::{Role, refuse_mix_up};
use super::source::Source;
use super::table::{Table, reads_of};

/// Reads a BIOM 2.0 or 2.1 table.
pub(crate) fn read(source: &Source) -> Result<Table, DataError> {
    refuse_mix_up(source, Role::Table)?;
    with_hdf5(source, |h5| {
        let samples = ids(h5, "sample/ids", source)?;
        let features = ids(h5, "observation/ids", source)?;
        let read = |group, majors: &[String], minors: &[String]| {
            Matrix::read(h5, source, group, majors.len(), minors.len())
        };
        let by_sample = h5.find("sample/matrix/data")?.is_some();
        let by_feature = h5.find("observation/matrix/data")?.is_some();
        let table = if by_sample {
            read("sample/matrix", &samples, &features)?.table(samples, features)
        } else {
            read("observation/matrix", &features, &samples)?.turned_table(samples, features)
        }
        .map_err(|e| source.in_file(e))?;
        if by_sample && by_feature {
            read(
                "observation/matrix",
                table.feature_ids(),
                table.sample_ids(),
            )?
            .check_against(&table)
            .map_err(|e| source.in_file(e))?;
        }
        Ok(table)
    })
}

fn ids(h5: &H5, path: &str, source: &Source) -> Result<Vec<String>, DataError> {
    let dataset = h5.find(path)?.ok_or_else(|| {
        source
            .error(format!("is no BIOM table: it has no dataset `{path}`"))
            .help("give a BIOM 2.1 table, for example made with `biom convert --to-hdf5`")
    })?;
    h5.texts(&dataset)
}

/// A matrix in compressed sparse rows, its rows being samples or features.
struct Matrix {
    group: &'static str,
    indptr: Vec<usize>,
    indices: Vec<u32>,
    data: Vec<f64>,
}

impl Matrix {
    fn read(
        h5: &H5,
        source: &Source,
        group: &'static str,
        majors: usize,
        minors: usize,
    ) -> Result<Self, DataError> {
        let fail = |name: &str, problem: String| {
            Err(source
                .in_file(DataError::new(problem).at(format!("dataset `{group}/{name}`")))
                .help("the file is damaged: fetch or write it again"))
        };
        let [data, indices, indptr] =
            ["data", "indices", "indptr"].map(|name| h5.dataset(&format!("{group}/{name}")));
        let (data, indices, indptr) = (data?, indices?, indptr?);
        let stored = h5.len(&data)?;
        if h5.len(&indices)? != stored {
            let found = h5.len(&indices)?;
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
        let indices = h5.indices(&indices)?;
        if let Some(index) = indices.iter().find(|&&i| i >= minors as u64) {
            return fail("indices", format!("index {index} is not below {minors}"));
        }
        Ok(Self {
            group,
            indptr,
            indices: indices.into_iter().map(|i| i as u32).collect(),
            data: h5.numbers(&data)?,
        })
    }

    /// The entries of one row that are not zero, as minor index and reads.
    fn row(&self, major: usize) -> impl Iterator<Item = Result<(u32, u32), (u32, DataError)>> {
        let range = self.indptr[major]..self.indptr[major + 1];
        range
            .map(|at| (self.indices[at], reads_of(self.data[at])))
            .map(|(minor, reads)| match reads {
                Ok(reads) => Ok((minor, reads)),
                Err(error) => Err((minor, error)),
            })
            .filter(|entry| !matches!(entry, Ok((_, 0))))
    }

    fn located(&self, error: DataError, sample: &str, feature: &str) -> DataError {
        let group = self.group;
        error.at(format!(
            "dataset `{group}/data`, sample `{sample}`, feature `{feature}`"
        ))
    }

    /// The table whose samples are the rows.
    fn table(self, samples: Vec<String>, features: Vec<String>) -> Result<Table, DataError> {
        let mut offsets = Vec::with_capacity(samples.len() + 1);
        let mut columns = Vec::with_capacity(self.data.len());
        let mut counts = Vec::with_capacity(self.data.len());
        let mut entries = Vec::new();
        offsets.push(0);
        for (sample, id) in samples.iter().enumerate() {
            entries.clear();
            for entry in self.row(sample) {
                entries.push(entry.map_err(|(feature, error)| {
                    self.located(error, id, &features[feature as usize])
                })?);
            }
            entries.sort_unstable();
            columns.extend(entries.iter().map(|entry| entry.0));
            counts.extend(entries.iter().map(|entry| entry.1));
            offsets.push(columns.len());
        }
        Table::new(samples, features, offsets, columns, counts)
    }

    /// The table whose features are the rows.
    fn turned_table(self, samples: Vec<String>, features: Vec<String>) -> Result<Table, DataError> {
        let mut triplets = Vec::with_capacity(self.data.len());
        for (feature, id) in features.iter().enumerate() {
            for entry in self.row(feature) {
                let (sample, reads) = entry.map_err(|(sample, error)| {
                    self.located(error, &samples[sample as usize], id)
                })?;
                triplets.push((sample, feature as u32, reads));
            }
        }
        Table::from_triplets(samples, features, &triplets)
    }

    /// Checks that the rows, which are features, hold the counts of `table`.
    fn check_against(&self, table: &Table) -> Result<(), DataError> {
        let differs = |place: String| {
            DataError::new("the file holds the counts twice, and the two copies differ")
                .at(place)
                .help("the file is damaged: fetch or write it again")
        };
        let mut seen = 0;
        for (feature, id) in table.feature_ids().iter().enumerate() {
            for entry in self.row(feature) {
                let (sample, reads) = entry.map_err(|(sample, error)| {
                    self.located(error, &table.sample_ids()[sample as usize], id)
                })?;
                let (columns, counts) = table.row(sample as usize);
                let known = columns
                    .binary_search(&(feature as u32))
                    .map(|at| counts[at]);
                if known != Ok(reads) {
                    let sample = &table.sample_ids()[sample as usize];
                    return Err(differs(format!("sample `{sample}`, feature `{id}`")));
                }
                seen += 1;
            }
        }
        if seen != table.num_nonzero() {
            return Err(differs(format!("dataset `{}`", self.group)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hdf5::types::VarLenUnicode;

    use crate::data::{Table, read_table};

    /// Writes the parts of a table of two samples and three features by hand.
    fn write(path: &std::path::Path, group: &str, data: &[f64], indices: &[i32], indptr: &[i32]) {
        let file = hdf5::File::append(path).unwrap();
        let matrix = file.create_group(&format!("{group}/matrix")).unwrap();
        matrix
            .new_dataset_builder()
            .with_data(data)
            .create("data")
            .unwrap();
        matrix
            .new_dataset_builder()
            .with_data(indices)
            .create("indices")
            .unwrap();
        matrix
            .new_dataset_builder()
            .with_data(indptr)
            .create("indptr")
            .unwrap();
        let names: &[&str] = if group == "sample" {
            &["s", "t"]
        } else {
            &["A", "C", "G"]
        };
        let ids: Vec<VarLenUnicode> = names.iter().map(|name| name.parse().unwrap()).collect();
        file.group(group)
            .unwrap()
            .new_dataset_builder()
            .with_data(&ids)
            .create("ids")
            .unwrap();
    }

    fn read(
        data: &[f64],
        indices: &[i32],
        indptr: &[i32],
        by_feature: &[f64],
    ) -> Result<Table, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.biom");
        write(&path, "sample", data, indices, indptr);
        write(&path, "observation", by_feature, &[0, 0, 1], &[0, 1, 2, 3]);
        read_table(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn rows_are_sorted_and_zeros_left_out() {
        let table = read(
            &[2.0, 0.0, 1.0, 3.0],
            &[1, 2, 0, 2],
            &[0, 3, 4],
            &[1.0, 2.0, 3.0],
        );
        let table = table.unwrap();
        assert_eq!(table.row(0), (&[0, 1][..], &[1, 2][..]));
        assert_eq!(table.row(1), (&[2][..], &[3][..]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let both = [1.0, 2.0, 3.0];
        for (data, indices, indptr, by_feature, message) in [
            (
                both,
                [0, 1, 2],
                [0, 2, 2],
                both,
                "indptr`: does not run from 0 to 3",
            ),
            (both, [0, 1, 2], [0, 4, 3], both, "indptr`: decreases"),
            (both, [0, 1, 2], [0, -1, 3], both, "negative number"),
            (both, [0, 1, 3], [0, 2, 3], both, "index 3 is not below 3"),
            (
                both,
                [0, 0, 2],
                [0, 2, 3],
                both,
                "sample `s`: the feature `A` has two counts",
            ),
            (
                [1.0, 2.5, 3.0],
                [0, 1, 2],
                [0, 2, 3],
                both,
                "sample `s`, feature `C`: the count 2.5",
            ),
            (
                [1.0, f64::NAN, 3.0],
                [0, 1, 2],
                [0, 2, 3],
                both,
                "is not a finite number",
            ),
            ([1.0, -2.0, 3.0], [0, 1, 2], [0, 2, 3], both, "is negative"),
            (
                both,
                [0, 1, 2],
                [0, 2, 3],
                [1.0, 2.0, 4.0],
                "sample `t`, feature `G`: the file holds",
            ),
            (
                both,
                [0, 1, 2],
                [0, 2, 3],
                [1.0, 2.0, 0.0],
                "the two copies differ",
            ),
        ] {
            let error = read(&data, &indices, &indptr, &by_feature).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
