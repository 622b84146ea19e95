use super::super::newick::{NewickOptions, Rooting, parse};
use super::super::{TokenizedSequences, read_taxonomy};
use super::*;

const DIM: usize = 4096;

fn ids(ids: &[&str]) -> Ids {
    ids.iter().collect()
}

fn tree(text: &str) -> Tree {
    let options = NewickOptions {
        root: Some(Rooting::AsWritten),
        ..NewickOptions::default()
    };
    parse(text.as_bytes(), &options).unwrap()
}

fn squared(one: &[f32], other: &[f32]) -> f32 {
    let differences = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b));
    differences.sum()
}

/// The largest difference between squared distances of embeddings and lengths of paths.
fn error(kinship: &Kinship, ids: &[&str]) -> f32 {
    let places: Vec<u32> = ids.iter().map(|id| kinship.place(id).unwrap()).collect();
    let paths = kinship.distances(&places);
    let embedded: Vec<Vec<f32>> = ids.iter().map(|id| kinship.embedding(id, DIM)).collect();
    let pairs = (0..ids.len()).flat_map(|i| (0..ids.len()).map(move |j| (i, j)));
    let errors =
        pairs.map(|(i, j)| (squared(&embedded[i], &embedded[j]) - paths[i * ids.len() + j]).abs());
    errors.fold(0.0, f32::max)
}

#[test]
fn distances_are_lengths_of_paths_in_the_tree() {
    // All tips have the depth 4, so lengths are divided by 4.
    let tree = tree("((a:1,b:1):3,((c:1,d:1):1,e:2):2,f:4);");
    let kinship = Kinship::of_tree(&tree, &Ids::default());
    let named = ["f", "b", "d", "a", "c", "e"];
    let places = named.map(|id| kinship.place(id).unwrap());
    let distances = kinship.distances(&places);
    let between = |one: &str, other: &str| {
        let at = |id: &str| named.iter().position(|known| *known == id).unwrap();
        distances[at(one) * named.len() + at(other)]
    };
    for (one, other, apart) in [
        ("a", "a", 0.0),
        ("a", "b", 0.5),
        ("c", "d", 0.5),
        ("e", "d", 1.0),
        ("b", "c", 2.0),
        ("f", "a", 2.0),
    ] {
        assert!((between(one, other) - apart).abs() < 1e-6, "{one} {other}");
        assert_eq!(between(one, other), between(other, one));
    }
    assert!(error(&kinship, &named) < 0.2);
}

#[test]
fn a_clade_has_the_same_vector_in_every_tree_and_single_children_change_nothing() {
    let one = Kinship::of_tree(&tree("((a:1,b:1):3,c:4);"), &Ids::default());
    let other = Kinship::of_tree(&tree("(c:4,(((b:1,a:0.5):1):2):0);"), &Ids::default());
    let (b, c) = (one.embedding("b", 64), one.embedding("c", 64));
    // The mean depth is 4 in the first and 23/6 in the second tree.
    let scale = (4.0f32 * 6.0 / 23.0).sqrt();
    for (first, id) in [(b, "b"), (c, "c")] {
        let second = other.embedding(id, 64);
        let scaled: Vec<f32> = first.iter().map(|value| value * scale).collect();
        assert!(squared(&scaled, &second) < 1e-8, "{id}");
    }
}

#[test]
fn trees_without_lengths_get_equal_branches_and_unknown_features_their_own() {
    let kinship = Kinship::of_tree(&tree("((a:0,b:0):0,c:0);"), &Ids::default());
    let places = ["a", "b", "c"].map(|id| kinship.place(id).unwrap());
    let distances = kinship.distances(&places);
    // Depths 2, 2 and 1, of which the mean is 5/3.
    assert!((distances[1] - 1.2).abs() < 1e-6 && (distances[2] - 1.8).abs() < 1e-6);
    assert!(!kinship.relates("x") && kinship.place("x").is_none());
    let length: f32 = kinship.embedding("x", 48).iter().map(|v| v * v).sum();
    assert!((length - 1.0).abs() < 1e-5);
    assert_ne!(kinship.embedding("x", 48), kinship.embedding("y", 48));
}

#[test]
fn lineages_are_related_by_the_ranks_they_share() {
    let all = [
        "k__A|p__B|c__C",
        "k__A|p__B|c__D",
        "k__A|p__B",
        "k__A|p__E|c__F",
        "Unassigned",
    ];
    let kinship = Kinship::of_ids(&ids(&all));
    let known = &all[..4];
    let places: Vec<u32> = known.iter().map(|id| kinship.place(id).unwrap()).collect();
    let distances = kinship.distances(&places);
    let steps = distances.iter().map(|apart| (7.0 * apart).round() as u32);
    let steps: Vec<u32> = steps.collect();
    assert_eq!(
        steps,
        [0, 4, 3, 6, 4, 0, 3, 6, 3, 3, 0, 5, 6, 6, 5, 0],
        "branches between features, each of which has one of its own"
    );
    assert!(error(&kinship, known) < 0.1);
    assert!(!kinship.relates("Unassigned"));
    // New lineages are placed by their ids, and those known without them in the same place.
    assert!(kinship.relates("k__A;p__B;c__New") && kinship.place("k__A;p__B;c__New").is_none());
    let empty = Kinship::of_ids(&Ids::default());
    let apart = squared(&empty.embedding(all[0], 64), &kinship.embedding(all[0], 64));
    assert!(apart < 1e-8);
}

#[test]
fn a_taxonomy_places_the_features_that_have_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taxonomy.tsv");
    let text = "Feature ID\tTaxon\n1\tk__A; p__B; c__\n2\tk__A;p__B;c__C\n3\tUnassigned\n";
    std::fs::write(&path, text).unwrap();
    let kinship = Kinship::of_taxonomy(&read_taxonomy(&path).unwrap(), &ids(&["1"]));
    assert_eq!(kinship.related_by(), KinshipFrom::Taxonomy);
    assert!(kinship.relates("1") && kinship.relates("2") && !kinship.relates("3"));
    let places = ["1", "2"].map(|id| kinship.place(id).unwrap());
    assert!((kinship.distances(&places)[1] - 3.0 / 7.0).abs() < 1e-6);
}

#[test]
fn codes_are_accurate_to_four_digits() {
    let kinship = std::sync::Arc::new(Kinship::of_ids(&ids(&["k__A;p__B"])));
    let table = ids(&["x", "k__A;p__B"]);
    let sequences = TokenizedSequences::of_kinship(&table, kinship.clone(), 48);
    assert_eq!(
        (sequences.len(), sequences.bases(0), sequences.max_bp()),
        (2, 96, 96)
    );
    for (column, id) in table.iter().enumerate() {
        let bytes: Vec<u8> = sequences.get(column).collect();
        let read = bytes
            .chunks_exact(2)
            .map(|two| (f32::from(u16::from_be_bytes([two[0], two[1]])) - ZERO) / STEPS);
        let expected = kinship.embedding(id, 48);
        assert!(
            read.zip(expected)
                .all(|(a, b)| (a - b).abs() <= 0.5 / STEPS + 1e-6)
        );
    }
}

#[test]
fn saved_state_is_read_and_damaged_state_refused() {
    let kinship = Kinship::of_tree(&tree("((a:1,b:1):3,c:4);"), &Ids::default());
    let value = serde_json::to_value(&kinship).unwrap();
    assert_eq!(
        serde_json::from_value::<Kinship>(value.clone()).unwrap(),
        kinship
    );
    for (key, damaged) in [
        ("parents", serde_json::json!([0, 2, 1, 1, 0])),
        ("lengths", serde_json::json!([0, -1, 1, 1, 1])),
        ("ids", serde_json::json!(["a", "c", "b"])),
        ("places", serde_json::json!([1, 2, 9])),
        ("keys", serde_json::json!([])),
    ] {
        let mut value = value.clone();
        value[key] = damaged;
        assert!(serde_json::from_value::<Kinship>(value).is_err(), "{key}");
    }
}
