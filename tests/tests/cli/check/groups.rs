//! The groups that a training run would keep together.

use serde_json::json as value;

use super::*;

#[test]
fn groups_are_described() {
    let aam = study();
    let check = "check study --metadata-column disease --group-column";
    aam.ok(&format!("{check} host_subject_id")).prints(&[
        "Kept together: host_subject_id\n  12 groups of 'host_subject_id'\n  samples    all 2",
        "in groups  the same value in all samples of a group, so 12 groups count as 12 values",
        "--group-column host_subject_id --output-dir trained",
    ]);
    let report = json(&aam.ok(&format!("{check} host_subject_id --json")));
    assert_eq!(report["groups"]["groups"], 12);
    assert_eq!(
        report["targets"][0]["grouped"],
        value!({"groups": 12, "constant": 12, "classes_of_one_group": []})
    );
    // The repeats are kept together.
    assert!(!problems(&report).contains("not independent"), "{report}");

    // One of two runs has samples of both classes, and subjects are in several of them.
    let report = json(&aam.ok(&format!("{check} seq_run --json")));
    assert_eq!(report["targets"][0]["grouped"]["constant"], 1);
    let problems = problems(&report);
    for words in ["not independent", "has 2 groups for 5 folds"] {
        assert!(problems.contains(words), "{words}: {problems}");
    }
    let check = "check study --metadata-column disease_kind --group-column disease --json";
    assert_eq!(
        json(&aam.ok(check))["targets"][0]["grouped"]["classes_of_one_group"],
        value!(["early", "late", "none"])
    );
    aam.ok("check study --metadata-column age --group-column note --html page.html")
        .prints(&["column 'note' has a different value for every sample"]);
    assert!(aam.read("page.html").contains("Kept together: note"));
}

#[test]
fn groups_that_a_training_would_refuse_are_an_error() {
    let aam = study();
    let metadata = aam.read("study/2.txt");
    let mut lines = metadata.lines();
    let header = format!("{}\tstudy", lines.next().unwrap_or_default());
    let lines = lines.map(|line| format!("{line}\tone"));
    let lines: Vec<String> = std::iter::once(header).chain(lines).collect();
    aam.write("study/2.txt", &lines.join("\n"));
    for (column, words) in [
        (
            "age",
            "column 'age' is to be predicted, so it cannot define the groups",
        ),
        ("host_subject", "did you mean 'host_subject_id'?"),
        ("study", "all of these samples are in one group"),
    ] {
        let check = "check study --metadata-column age --group-column";
        aam.run(&format!("{check} {column}"))
            .ends_with_code(3)
            .prints(&[words]);
    }
    aam.run("check --table study/1.txt --group-column site")
        .ends_with_code(3)
        .prints(&["--group-column site cannot be checked without metadata"]);
}
