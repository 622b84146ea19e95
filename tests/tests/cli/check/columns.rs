//! The columns of the metadata, those to predict in detail.

use aam_tests::data;

use super::*;

#[test]
fn a_target_is_examined_in_detail() {
    let report = json(&study().ok("check study --metadata-column disease --json"));
    let target = &report["targets"][0];
    assert_eq!(target["classes"], true);
    assert_eq!(target["column"]["classes"][0][1], 12);
    let names = |list: &str| -> Vec<&str> {
        let all = target[list].as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("groups"), ["host_subject_id"]);
    assert_eq!(target["groups"][0]["repeated"], 12);
    assert_eq!(names("leaks"), ["disease_kind"]);
    assert_eq!(names("batches"), ["seq_run"]);
    let problems = problems(&report);
    for words in [
        "--group-column host_subject_id",
        "follows from",
        "'seq_run'",
    ] {
        assert!(problems.contains(words), "{words}: {problems}");
    }
    let report = json(&study().ok("check study --metadata-column age --json"));
    let target = &report["targets"][0];
    assert_eq!(target["classes"], false);
    assert_eq!(target["column"]["numbers"]["median"], 36.5);
    assert_eq!(target["leaks"][0]["name"], "age_months");
}

#[test]
fn every_column_has_a_line() {
    let report = json(&study().ok("check study --json"));
    let columns = report["columns"].as_array().unwrap().iter();
    let kinds: Vec<String> = columns
        .map(|column| format!("{} {}", column["name"], column["kind"]).replace('"', ""))
        .collect();
    assert_eq!(
        kinds,
        [
            "host_subject_id classes",
            "disease classes",
            "disease_kind classes",
            "age numbers",
            "age_months numbers",
            "seq_run classes",
            "diet classes",
            "note ids",
        ]
    );
    let diet = &report["columns"][6];
    assert_eq!(
        (&diet["missing"], &diet["missing_words"]["unknown"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn the_page_has_histograms() {
    let aam = study();
    aam.ok("check study --metadata-column age --html page.html");
    let page = aam.read("page.html");
    // Every ASV has the same number of bases, and every sample the same number of ASVs.
    assert_eq!(page.matches("<svg").count(), 2, "reads and ages");
    for text in ["age_months", "host_subject_id", "aam train --table"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("http"), "nothing is loaded from elsewhere");
    // Before any file is read.
    aam.refuses("check nowhere --html page.html")
        .says(&["--html page.html", "--overwrite"]);
    aam.ok("check study --html page.html --overwrite");
    assert_eq!(aam.read("page.html").matches("<svg").count(), 1);
}

#[test]
fn uninformative_and_identical_samples_are_named() {
    let aam = study();
    // Sample s1 has one read of each ASV, and s2 has those of s3.
    let mut lines: Vec<Vec<String>> = table(&["a1", "a2", "a3", "a4"])
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    for line in &mut lines[1..] {
        line[2] = "1".to_owned();
        line[3] = line[4].clone();
    }
    // Samples with too few ASVs are equal by chance.
    lines.push(lines[1].clone());
    lines[5][0] = "a5".to_owned();
    let text: String = lines.iter().map(|line| line.join("\t") + "\n").collect();
    aam.write("study/1.txt", &text);
    let ran = aam.run("check --table study/1.txt");
    ran.prints(&[
        "samples with fewer than 100 reads: 1, such as s1",
        "whose reads are identical to those of another sample: 2, such as 's2', 's3'",
        "--rarefy-depth",
        "would keep 23 of 24 samples",
    ]);
}

#[test]
fn control_characters_in_names_are_escaped() {
    let aam = study();
    aam.write(
        "study/2.txt",
        &metadata()
            .replace("diet", "di\u{1b}[31met")
            .replace("meat", "me\u{7}at"),
    );
    let ran = aam.ok("check study");
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{7}'));
    assert!(ran.stdout.contains("di\\u{1b}[31met"), "{}", ran.stdout);
}

#[test]
fn nonstandard_numbers_are_named_and_not_treated_as_classes() {
    let aam = study();
    let mut text = metadata();
    for (number, comma) in [
        ("\t20\t", "\t20,5\t"),
        ("\t23\t", "\t23,5\t"),
        ("\t26\t", "\t26,1\t"),
    ] {
        text = text.replace(number, comma);
    }
    aam.write("study/2.txt", &text);
    aam.run("check study --metadata-column age")
        .ends_with_code(3)
        .prints(&["have non-numeric values", "decimal commas"]);
}

#[test]
fn a_training_run_reports_the_short_form() {
    let aam = aam!().with(aam_tests::STUDY);
    let train = "train --table study/table.biom --metadata study/metadata.tsv --metadata-column \
                 ph --test-size 0.25 --epochs 1 --max-steps 1 --embedding-dim 8 --output-dir run";
    aam.ok(train).says(&[
        "values of 'ph': ",
        "reads per sample: 112 to 725, median 323.5",
        "ASVs per sample: ",
        "bases per ASV: all 30",
    ]);
}

#[test]
fn columns_of_real_studies_are_recognised() {
    let Some(data) = data() else { return };
    let aam = aam!();
    let target = |study: &str, column: &str| {
        let folder = data.join(study);
        let ran = aam.run(&format!(
            "check {} --metadata-column {column} --json",
            folder.display()
        ));
        json(&ran)["targets"][0].clone()
    };
    // The kind of a disease determines it, and is not a subject.
    let agp = target("metaibs-agp", "host_disease");
    assert_eq!(agp["leaks"][0]["name"], "host_subtype");
    assert_eq!(agp["groups"], serde_json::json!([]));
    // 24 people on many days.
    let ibd = target("ecam-infants", "delivery");
    assert!(
        ibd["groups"].to_string().contains("host_subject_id"),
        "{ibd}"
    );
}
