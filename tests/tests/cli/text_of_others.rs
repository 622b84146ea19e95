//! Names in foreign files that would control a terminal or corrupt a file.

use aam_tests::{Aam, STUDY, aam};

/// Ids that clear the screen, reverse the text direction, contain a line break or a tab, or look
/// like a comment.
const IDS: [&str; 5] = [
    "a\u{1b}[2Jb",
    "x\u{202e}fdp",
    "two\nlines",
    "tab\there",
    "#first",
];

fn json(ids: &[&str]) -> String {
    let columns: Vec<serde_json::Value> =
        ids.iter().map(|id| serde_json::json!({"id": id})).collect();
    let rows = ["A", "B", "C", "D"].map(|id| serde_json::json!({"id": id}));
    let data: Vec<Vec<usize>> = (0..4)
        .map(|row| {
            (0..ids.len())
                .map(|column| 1 + (row * 3 + column * 5) % 7)
                .collect()
        })
        .collect();
    serde_json::json!({
        "rows": rows, "columns": columns, "shape": [4, ids.len()], "matrix_type": "dense", "data": data,
    })
    .to_string()
}

fn study(ids: &[&str]) -> Aam {
    let aam = aam!();
    aam.write("table.biom", &json(ids));
    aam.write("tree.nwk", "((A:1,B:2):0.5,(C:3,D:6):1.5);\n");
    aam
}

/// Checks that nothing on either stream controls a terminal.
#[track_caller]
fn is_harmless(text: &str) {
    let hidden = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(hidden), "{text:?}");
}

#[test]
fn lists_of_ids_are_read_back_whatever_the_ids_are() {
    let aam = study(&IDS);
    let unifrac = "unifrac --tree tree.nwk --table table.biom";
    aam.ok(&format!("{unifrac} --output d.npy"));
    let list = aam.read("d.npy.ids.txt");
    assert!(
        list.contains("\"#first\"") && list.contains("\"two\nlines\""),
        "{list}"
    );
    let ran = aam.ok(&format!("{unifrac} --samples d.npy.ids.txt --output e.npy"));
    is_harmless(&ran.stderr);
    ran.says(&["5 of 5 listed samples found"]);
    assert_eq!(aam.read("e.npy.ids.txt"), list);
    // Unquoted text tables reject such names, with a harmless message.
    let ran = aam
        .run(&format!("{unifrac} --output d.tsv"))
        .ends_with_code(3);
    is_harmless(&ran.stderr);
    ran.says(&["cannot be written to a text file"]);
}

#[test]
fn names_are_shown_escaped_and_kept_in_files() {
    let aam = study(&IDS[..2]);
    aam.write("m\u{1b}[31m.tsv", "sample-id\tph\u{9b}2J\nS1\t1\nS2\t2\n");
    let mut command = aam.command("unifrac --table table.biom --tree tree.nwk --output d.tsv");
    command.args(["--metadata", "m\u{1b}[31m.tsv", "--where", "ph=1"]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    is_harmless(&said);
    assert!(
        said.contains("m\\u{1b}[31m.tsv: has no column 'ph'"),
        "{said}"
    );
    assert!(said.contains("ph\\u{9b}2J"), "{said}");
    // JSON contains the same names, with JSON escapes.
    let mut command =
        aam.command("unifrac --json --table table.biom --tree tree.nwk --output d.tsv");
    command.args(["--samples", "no\u{202e}.txt"]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    is_harmless(&said);
    let event: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert!(
        event["message"]
            .as_str()
            .unwrap()
            .contains("no\u{202e}.txt"),
        "{said}"
    );
    aam.ok("unifrac --table table.biom --tree tree.nwk --output d.tsv");
    assert!(aam.read("d.tsv").contains("a\u{1b}[2Jb"));
}

#[test]
fn pages_and_tables_of_runs_show_names_escaped() {
    let aam = aam!().with(STUDY);
    let target = "p\u{1b}[31mh\u{202e}";
    let text = aam.read("study/metadata.tsv");
    aam.write("m.tsv", &text.replacen("\tph", &format!("\t{target}"), 1));
    aam.write(
        "run.toml",
        &format!("metadata-column = {}\n", serde_json::json!([target])),
    );
    let ran = aam.ok(
        "rf-baseline --config run.toml --table study/table.biom --metadata m.tsv --trees 5 \
         --folds 2 --output-dir run",
    );
    is_harmless(&ran.stderr);
    let page = aam.read("run/report.html");
    is_harmless(&page);
    assert!(page.contains("p\\u{1b}[31mh\\u{202e}"));
    let ran = aam.ok("runs .");
    is_harmless(&ran.stdout);
    ran.prints(&["p\\u{1b}[31mh\\u{202e}"]);
    let ran = aam.ok("runs . --json");
    is_harmless(&ran.stdout);
    let runs: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(runs[0]["command"], "rf-baseline");
    let ran = aam.ok("rf-baseline --config run/config.toml --print-config");
    is_harmless(&ran.stdout);
    aam.write("printed.toml", &ran.stdout);
    let again = aam.ok("rf-baseline --config printed.toml --print-config");
    assert_eq!(again.stdout, ran.stdout);
}

#[test]
fn a_damaged_record_hides_no_other_run() {
    let aam = aam!().with(STUDY);
    let forest = "rf-baseline --table study/table.biom --metadata study/metadata.tsv \
                  --metadata-column ph --trees 5 --output-dir";
    for run in ["one", "two", "three"] {
        aam.ok(&format!("{forest} {run}"));
    }
    aam.write("one/run.json", "{\"command\": \"\u{1b}[31m");
    std::fs::write(aam.path("two/run.json"), [0xff, 0xfe, 0]).unwrap();
    let ran = aam.ok("runs .");
    is_harmless(&format!("{}{}", ran.stdout, ran.stderr));
    ran.clone().says(&[
        "warning: ./one/run.json: it is damaged",
        "warning: ./two/run.json: it is damaged",
    ]);
    for (run, outcome) in [
        ("one", "damaged"),
        ("two", "damaged"),
        ("three", "finished"),
    ] {
        let mut lines = ran.stdout.lines();
        let line = lines
            .find(|line| line.starts_with(&format!("{run} ")))
            .unwrap();
        assert!(line.contains(outcome), "{line}");
    }
    aam.refuses("runs . --compare one three")
        .says(&["one/run.json: it is damaged"]);
    let ran = aam.ok("runs . --json");
    let runs: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 3);
}
