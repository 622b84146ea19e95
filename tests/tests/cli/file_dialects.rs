//! Files as users provide them: read if their format is certain, and described otherwise.

use aam_tests::{Aam, aam};

/// A table of three samples, and a tree of its four ASVs.
const TABLE: &str = "#OTU ID\ts1\ts2\ts3\nA\t1\t0\t5\nB\t3\t4\t0\nC\t0\t2\t1\nD\t7\t1\t0\n";
const ROOTED: &str = "((A:1,B:2):0.5,(C:3,D:6):1.5);\n";

fn study() -> Aam {
    let aam = aam!();
    aam.write("table.tsv", TABLE);
    aam.write("tree.nwk", ROOTED);
    aam
}

/// The distances of `table` on `tree`, and the messages.
fn distances(aam: &Aam, flags: &str) -> (String, String) {
    let said = aam.ok(&format!(
        "unifrac --metric weighted-normalized --output d.tsv --overwrite {flags}"
    ));
    let said = format!("{}{}", said.stdout, said.stderr);
    (aam.read("d.tsv"), said)
}

#[test]
fn an_unrooted_tree_is_refused_or_rooted_at_its_midpoint() {
    let aam = study();
    // One tree, written from two roots as RAxML does.
    aam.write("one.nwk", "(A:1,B:2,(C:3,D:6):2):0.0;\n");
    aam.write("other.nwk", "((A:1,B:2):2,C:3,D:6):0.0;\n");
    for tree in ["one.nwk", "other.nwk"] {
        aam.run(&format!(
            "unifrac --table table.tsv --tree {tree} --output d.tsv"
        ))
        .ends_with_code(3)
        .says(&[tree, "3 branches meet at its root", "--root midpoint"]);
    }
    let midpoint = |tree: &str| {
        distances(
            &aam,
            &format!("--table table.tsv --tree {tree} --root midpoint"),
        )
        .0
    };
    // Sums of branches in another order differ in their last bits.
    let numbers = |text: String| -> Vec<f64> {
        let cells = text.split(['\t', '\n']);
        cells.filter_map(|cell| cell.parse().ok()).collect()
    };
    let expected = numbers(midpoint("one.nwk"));
    assert_eq!(expected.len(), 9);
    for tree in ["other.nwk", "tree.nwk"] {
        for (found, expected) in numbers(midpoint(tree)).iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 1e-12,
                "{tree}: {found} {expected}"
            );
        }
    }
    let written = |tree: &str| {
        distances(
            &aam,
            &format!("--table table.tsv --tree {tree} --root as-written"),
        )
        .0
    };
    assert_ne!(written("one.nwk"), written("other.nwk"));
}

#[test]
fn other_formats_of_a_table_give_the_same_distances() {
    let aam = study();
    let (expected, _) = distances(&aam, "--table table.tsv --tree tree.nwk");
    for (name, text, words) in [
        (
            "quoted.csv",
            "\"\",\"s1\",\"s2\",\"s3\"\n\"A\",1,0,5\n\"B\",3,4,0\n\"C\",0,2,1\n\"D\",7,1,0\n",
            "separated by commas",
        ),
        (
            "r.tsv",
            "s1\ts2\ts3\nA\t1\t0\t5\nB\t3\t4\t0\nC\t0\t2\t1\nD\t7\t1\t0\n",
            "as R writes tables",
        ),
        (
            "total.tsv",
            "OTU\ts1\tx\ts2\ts3\tlength\nA\t1\t6\t0\t5\t250\nB\t3\t7\t4\t0\t251\n\
             C\t0\t3\t2\t1\t250\nD\t7\t8\t1\t0\t250\n",
            "'x' is the sum of all other samples",
        ),
        (
            "final.shared",
            "label\tGroup\tnumOtus\tA\tB\tC\tD\n0.03\ts1\t4\t1\t3\t0\t7\n0.03\ts2\t4\t0\t4\t2\t1\n\
             0.03\ts3\t4\t5\t0\t1\t0\n",
            "mothur shared file",
        ),
        (
            "table.biom",
            "\u{feff}{\"rows\": [{\"id\": \"A\"}, {\"id\": \"B\"}, {\"id\": \"C\"}, {\"id\": \"D\"}], \
             \"columns\": [{\"id\": \"s1\"}, {\"id\": \"s2\"}, {\"id\": \"s3\"}], \"shape\": [4.0, 3], \
             \"matrix_type\": \"dense\", \"data\": [[1, 0, 5], [3, 4, 0], [0, 2, 1], [7, 1, 0]]}",
            "",
        ),
    ] {
        aam.write(name, text);
        let (found, said) = distances(&aam, &format!("--table {name} --tree tree.nwk"));
        assert_eq!(found, expected, "{name}");
        assert!(said.contains(words), "{name}: {said}");
    }
    aam.write(
        "turned.tsv",
        "id\tA\tB\tC\tD\ns1\t1\t3\t0\t7\ns2\t0\t4\t2\t1\ns3\t5\t0\t1\t0\n",
    );
    // The tree proves which axis the rows are.
    let (found, said) = distances(&aam, "--table turned.tsv --tree tree.nwk");
    assert_eq!(found, expected);
    assert!(
        said.contains("its columns are the ASVs of tree.nwk"),
        "{said}"
    );
    let (found, _) = distances(&aam, "--table turned.tsv --transpose --tree tree.nwk");
    assert_eq!(found, expected);
    aam.run("pretrain --table turned.tsv --tree tree.nwk --output-dir run")
        .ends_with_code(3)
        .says(&["transpose"]);
}

#[test]
fn other_formats_of_a_tree_give_the_same_distances() {
    let aam = study();
    let (expected, _) = distances(&aam, "--table table.tsv --tree tree.nwk");
    aam.write(
        "figtree.nex",
        "#NEXUS\nbegin trees;\n translate 1 A, 2 B, 3 C, 4 D;\n\
         tree t = [&R] ((1[&x=1]:1,2:2):0.5,(3:3,4:6):1.5);\nend;\n",
    );
    let (found, _) = distances(&aam, "--table table.tsv --tree figtree.nex");
    assert_eq!(found, expected);
    for (name, text, words) in [
        (
            "placed.jplace",
            "{\"tree\": \"(A:1{0},B:2{1}):0{2};\", \"placements\": []}",
            "gappa examine graft",
        ),
        (
            "tree.xml",
            "<?xml version=\"1.0\"?>\n<phyloxml></phyloxml>\n",
            "as Newick",
        ),
        (
            "upper.nwk",
            "((a:1,b:2):0.5,(c:3,d:6):1.5);\n",
            "upper and lower case: 'A' and 'a'",
        ),
    ] {
        aam.write(name, text);
        aam.run(&format!(
            "unifrac --table table.tsv --tree {name} --output d3.tsv"
        ))
        .ends_with_code(3)
        .says(&[name, words]);
    }
}
