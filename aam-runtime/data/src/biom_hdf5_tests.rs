//! Hand-written BIOM 2.1 tables.

use hdf5::types::VarLenUnicode;

use crate::{Table, read_table};

/// Writes the parts of a table with two samples and three features.
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
fn samples_are_split_into_parts_of_limited_size() {
    assert_eq!(super::parts(&[3, 2, 9, 0, 1], 5), [0..2, 2..3, 3..5]);
    assert!(super::parts(&[], 5).is_empty());
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
            "indptr': does not run from 0 to 3",
        ),
        (both, [0, 1, 2], [0, 4, 3], both, "indptr': decreases"),
        (both, [0, 1, 2], [0, -1, 3], both, "negative number"),
        (both, [0, 1, 3], [0, 2, 3], both, "index 3 is not below 3"),
        (
            both,
            [0, 0, 2],
            [0, 2, 3],
            both,
            "sample 's': the feature 'A' has two counts",
        ),
        (
            [1.0, 2.5, 3.0],
            [0, 1, 2],
            [0, 2, 3],
            both,
            "sample 's', feature 'C': the count 2.5",
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
            "sample 't', feature 'G': the file holds",
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
