use rand::RngExt;

use super::*;
use aam_core::random::stream;

const AS_WRITTEN: NewickOptions = NewickOptions {
    missing_length: None,
    root: Some(Rooting::AsWritten),
};

fn read(text: &str) -> Result<Tree, DataError> {
    parse(text.as_bytes(), &NewickOptions::default())
}

/// Place and problem of the error for `text`.
fn fault(text: &str) -> (String, String) {
    let error = read(text).unwrap_err();
    (error.place.unwrap_or_default(), error.problem)
}

#[test]
fn reads_labels_lengths_and_comments() {
    let tree = read(
        " [a [nested] comment] ((A_1:0.5, 'B ''x''; (y)':1e-3[after])0.98:2,\n\tC[x]:[y]3)root:9 ; \n",
    )
    .unwrap();
    assert_eq!(tree.len(), 5);
    let names: Vec<&str> = (0..5).map(|n| tree.name(n)).collect();
    assert_eq!(names, ["A_1", "B 'x'; (y)", "0.98", "C", "root"]);
    let lengths: Vec<f64> = (0..5).map(|n| tree.length(n)).collect();
    assert_eq!(lengths, [0.5, 1e-3, 2.0, 3.0, 9.0]);
    let parents: Vec<Option<usize>> = (0..5).map(|n| tree.parent(n)).collect();
    assert_eq!(parents, [Some(2), Some(2), Some(4), Some(4), None]);
}

#[test]
fn writing_and_reading_gives_the_same_tree() {
    for text in [
        "((A:0.5,'B ''x''; (y)':0.001)0.98:2,C:3)root:0.5;\n",
        "(((A:1):2):3,(B:0,C:0.000000005,D:1):4):0;\n",
        "(A:1):0;\n",
        "A:0;\n",
    ] {
        assert_eq!(write(&read(text).unwrap()), text);
    }
}

#[test]
fn a_million_levels_do_not_overflow_the_stack() {
    let depth = 1_000_000;
    let text = format!("{}A:1{}):0;", "(".repeat(depth + 1), "):1".repeat(depth));
    let tree = read(&text).unwrap();
    assert_eq!(tree.len(), depth + 2);
    assert_eq!(write(&tree), text + "\n");
    let comb = format!("{}A:1{};", "(".repeat(depth), ",B:1):1".repeat(depth));
    let (place, problem) = fault(&comb);
    assert!(
        problem.contains("second tip is named 'B'"),
        "{place}: {problem}"
    );
}

#[test]
fn lengths_that_cannot_be_used_are_refused_with_their_place() {
    assert_eq!(
        fault("(A:1,\nB:-0.5);"),
        (
            "line 2, column 3".into(),
            "the branch length -0.5 is negative".into()
        )
    );
    assert_eq!(
        fault("(A:1,B:inf);").1,
        "the branch length 'inf' is not a finite number"
    );
    assert_eq!(
        fault("(A:1,B:1e999);").1,
        "the branch length '1e999' is not a finite number"
    );
    assert_eq!(
        fault("(A:1,B:x1);").1,
        "expected a branch length, found 'x1'"
    );
    assert_eq!(
        fault("(A:1,B:);").1,
        "expected a branch length after ':', found ')'"
    );
    assert_eq!(read("(A:-0.0,B:1);").unwrap().length(0).to_bits(), 0);
}

#[test]
fn missing_lengths_are_an_error_unless_one_is_given() {
    let (place, problem) = fault("((A:1,B):1,(C:1,D:1));");
    assert_eq!(place, "line 1, column 7");
    assert_eq!(
        problem,
        "the branch of 'B' has no length; 2 of 6 branches have none"
    );
    let options = NewickOptions {
        missing_length: Some(0.25),
        ..Default::default()
    };
    let tree = parse(b"((A:1,B):1,(C:1,D:1));", &options).unwrap();
    assert_eq!(tree.length(tree.tip("B").unwrap()), 0.25);
    assert_eq!(tree.length(tree.root()), 0.0);
    let options = NewickOptions {
        missing_length: Some(-1.0),
        ..Default::default()
    };
    assert!(parse(b"((A:1,B):1,(C:1,D:1));", &options).is_err());
}

#[test]
fn an_unrooted_tree_is_refused_unless_declared_rooted_or_accepted() {
    let text = "(A:1,B:1,C:1);";
    for text in [
        text,
        "(A:1,B:1,C:1):0.0;",
        "(A:1,B:1,C:1):0.3;",
        "((A:1,B:1,C:1):0);",
        "[&U] (A:1,B:1,C:1);",
    ] {
        let error = read(text).unwrap_err();
        assert!(error.problem.contains("the tree is unrooted"), "{text}");
        assert!(error.help.unwrap().contains("--root midpoint"), "{text}");
    }
    let error = read("[&U] (A:1,B:1);").unwrap_err();
    assert!(error.problem.contains("[&U]"), "{}", error.problem);
    assert!(read("((A:1,B:1,C:1):1);").is_ok());
    assert!(read("[&R] (A:1,B:1,C:1);").is_ok());
    assert!(read("((A:1,B:1,C:1):1,D:1);").is_ok());
    assert!(parse(text.as_bytes(), &AS_WRITTEN).is_ok());
}

#[test]
fn invalid_trees_are_refused_with_their_place() {
    for (text, place, problem) in [
        ("", "line 1, column 1", "expected a tree, the file ends"),
        (";", "line 1, column 1", "expected a tree, found ';'"),
        (
            "((A:1,B:1):1,C:1)",
            "line 1, column 18",
            "does not end with ';'",
        ),
        ("((A:1,B:1):1,C:1;", "line 1, column 1", "never closed"),
        ("(A:1,(B:1,C:1", "line 1, column 6", "never closed"),
        ("(A:1,B:1));", "line 1, column 10", "closes no parenthesis"),
        ("A:1,B:1;", "line 1, column 4", "outside of any parenthesis"),
        (
            "(A:1,,B:1);",
            "line 1, column 6",
            "expected the name of a tip, found ','",
        ),
        (
            "(A:1,'':1);",
            "line 1, column 6",
            "expected the name of a tip",
        ),
        ("(A:1,B c:1);", "line 1, column 8", "found 'c'"),
        (
            "(A:1,'B:1);",
            "line 1, column 6",
            "quote opens here is never closed",
        ),
        ("(A:1,B:1)[x;", "line 1, column 10", "never closed"),
        (
            "(A:1,\n A:2);",
            "line 2, column 2",
            "a second tip is named 'A'",
        ),
        (
            "(A:1,B:1); (C:1,D:1);",
            "line 1, column 12",
            "nothing after the tree",
        ),
        ("(A:1)(B:1);", "line 1, column 6", "found '('"),
        ("This isn't a Newick Tree", "line 1, column 6", "found 'i'"),
    ] {
        let (found_place, found) = fault(text);
        assert!(found.contains(problem), "{text:?}: {found}");
        assert_eq!(found_place, place, "{text:?}");
    }
    let error = parse(b"(A:1,\xff:1);", &NewickOptions::default()).unwrap_err();
    assert_eq!(error.place.unwrap(), "line 1, column 6");
}

#[test]
fn damaged_trees_give_a_tree_or_an_error_with_its_place() {
    let sound = b"((A_1:0.5,'B ''x'':':1e-3[c])0.98:2,(C:3,D:4)e:1,\nF\xc3\xa9:0.1)root;\n";
    assert!(parse(sound, &AS_WRITTEN).is_ok());
    let rng = &mut stream(1, "damaged trees");
    let mut errors = 0;
    for _ in 0..5000 {
        let mut text = sound.to_vec();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..text.len());
            match rng.random_range(0..4) {
                0 => text[at] = rng.random(),
                1 => text[at] = b"()[]:;,'"[rng.random_range(0..8)],
                2 => drop(text.remove(at)),
                _ => text.truncate(at + 8),
            }
        }
        if let Err(error) = parse(&text, &AS_WRITTEN) {
            assert!(
                error.place.unwrap().starts_with("line "),
                "{}",
                error.problem
            );
            errors += 1;
        }
    }
    assert!(errors > 1000);
}
