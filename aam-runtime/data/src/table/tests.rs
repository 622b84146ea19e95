use super::*;

fn ids(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

fn small() -> Table {
    let triplets = [(1, 2, 5), (0, 1, 3), (1, 0, 1), (0, 0, 0)];
    Table::from_triplets(ids(&["s1", "s2"]), ids(&["A", "C", "G", "T"]), &triplets).unwrap()
}

#[test]
fn triplets_are_sorted_and_zeros_left_out() {
    let table = small();
    assert_eq!(table.row(0), (&[1][..], &[3][..]));
    assert_eq!(table.row(1), (&[0, 2][..], &[1, 5][..]));
    assert_eq!(table.depth(1), 6);
    assert_eq!(table.sample_index()["s2"], 1);
}

#[test]
fn selection_and_empty_features() {
    let table = small().select_samples(&[1]).drop_empty_features().unwrap();
    assert_eq!(table.feature_ids(), ids(&["A", "G"]));
    assert_eq!(table.row(0), (&[0, 1][..], &[1, 5][..]));
}

#[test]
fn a_table_on_disk_and_its_derivatives_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::Disk(folder.path().to_owned());
    let table = small().kept_in(&storage).unwrap();
    assert_eq!(table, small());
    let selected = table.select_samples(&[1]);
    assert!(Arc::ptr_eq(&selected.cells, &table.cells));
    let dropped = selected.drop_empty_features().unwrap();
    assert_eq!(dropped.cells.storage, storage);
    assert_eq!(dropped.row(0), (&[0, 1][..], &[1, 5][..]));
}

#[test]
fn broken_invariants_are_refused() {
    let new = |offsets: &[usize], features: &[u32], counts: &[u32]| {
        Table::new(
            ids(&["s1", "s2"]),
            ids(&["A", "C"]),
            offsets.to_vec(),
            features.to_vec(),
            counts.to_vec(),
        )
        .map_err(|e| e.to_string())
    };
    assert!(new(&[0, 1, 2], &[0, 1], &[1, 1]).is_ok());
    for (offsets, features, counts, message) in [
        (&[0, 2][..], &[0, 1][..], &[1, 1][..], "need 3 row offsets"),
        (&[0, 3, 2], &[0, 1], &[1, 1], "decrease"),
        (&[0, 1, 1], &[0, 1], &[1, 1], "run from 0"),
        (&[0, 1, 2], &[0, 2], &[1, 1], "column index 2"),
        (&[0, 2, 2], &[1, 0], &[1, 1], "not ascending"),
        (&[0, 2, 2], &[1, 1], &[1, 1], "two counts"),
        (&[0, 1, 2], &[0, 1], &[1, 0], "zero"),
        (&[0, 1, 2], &[0, 1], &[1], "1 counts"),
    ] {
        let error = new(offsets, features, counts).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    let twice = Table::from_triplets(ids(&["s", "s"]), ids(&["A"]), &[]).unwrap_err();
    assert!(twice.to_string().contains("'s' occurs more than once"));
    assert!(Table::from_triplets(ids(&["s"]), ids(&["A", ""]), &[]).is_err());
    assert!(Table::from_triplets(ids(&["s"]), ids(&["A"]), &[(1, 0, 1)]).is_err());
}
