//! `aam check` finds the problems of a study's files, and reports all of them at once.

use std::fmt::Write;

use aam_tests::{Aam, Ran, aam, data};
use serde_json::Value;

/// Sequences of the V4 region, between the primers 515F and 806R.
const SEQUENCES: [&str; 4] = [
    "TACGGAGGGTGCAAGCGTTAATCGGAATTACTGGGCGTAAAGCGCACGCAGGCGGTTTGTTAAGTCAGATGTGAAATCCCCGGGCTCAACCT",
    "TACGTAGGTGGCAAGCGTTATCCGGAATTATTGGGCGTAAAGCGCGCGTAGGCGGTTTTTTAAGTCTGATGTGAAAGCCCACGGCTCAACCG",
    "TACGGAGGATCCGAGCGTTATCCGGATTTATTGGGTTTAAAGGGAGCGTAGATGGATGTTTAAGTCAGTTGTGAAAGTTTGCGGCTCAACCG",
    "TACAGAGGGTGCAAGCGTTAATCGGAATTACTGGGCGTAAAGCGCGCGTAGGTGGTTTGTTAAGTTGGATGTGAAAGCCCTGGGCTCAACCT",
];

/// Metadata of 24 samples from twelve subjects, two each.
fn metadata() -> String {
    let mut text = String::from(
        "sample-id\thost_subject_id\tdisease\tdisease_kind\tage\tage_months\tseq_run\tdiet\tnote\n",
    );
    for sample in 0..24 {
        let subject = sample / 2;
        let ill = subject % 2 == 0;
        let disease = if ill { "ill" } else { "well" };
        let kind = match (ill, subject % 4) {
            (true, 0) => "early",
            (true, _) => "late",
            _ => "none",
        };
        // Ill samples are mostly from one sequencing run.
        let run = if ill == (sample % 8 != 0) { "A" } else { "B" };
        let age = 20 + subject * 3;
        let diet = if sample == 5 {
            "unknown"
        } else {
            ["meat", "plants"][sample % 2]
        };
        writeln!(
            text,
            "s{sample}\tP{subject}\t{disease}\t{kind}\t{age}\t{}\t{run}\t{diet}\tn{sample}",
            12 * age
        )
        .unwrap();
    }
    text
}

/// Reads of 24 samples, for the ASVs `names`.
fn table(names: &[&str]) -> String {
    let ids: Vec<String> = (0..24).map(|sample| format!("s{sample}")).collect();
    let mut text = format!("#OTU ID\t{}\n", ids.join("\t"));
    for (asv, name) in names.iter().enumerate() {
        let counts =
            (0..24).map(|sample| (1000 + 13 * ((sample * 37 + asv * 53) % 101)).to_string());
        let counts: Vec<String> = counts.collect();
        writeln!(text, "{name}\t{}", counts.join("\t")).unwrap();
    }
    text
}

/// A folder whose file names reveal nothing about the files.
fn study() -> Aam {
    let aam = aam!();
    std::fs::create_dir(aam.path("study")).unwrap();
    aam.write("study/1.txt", &table(&["a1", "a2", "a3", "a4"]));
    aam.write("study/2.txt", &metadata());
    aam.write("study/3.txt", "((a1:1,a2:2):0.5,(a3:3,a4:6):1.5);\n");
    let fasta = std::iter::zip(["a1", "a2", "a3", "a4"], SEQUENCES);
    let fasta: String = fasta.map(|(id, s)| format!(">{id}\n{s}\n")).collect();
    aam.write("study/4.txt", &fasta);
    aam.write("study/notes.txt", "Nothing of use.\n");
    aam
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).expect("JSON on standard output")
}

#[track_caller]
fn problems(report: &Value) -> String {
    report["problems"].to_string()
}

#[test]
fn files_of_a_folder_are_told_by_what_is_in_them() {
    let aam = study();
    let ran = aam.ok("check study").prints(&[
        "--table          study/1.txt, a feature table as text: 24 samples, 4 ASVs",
        "--metadata       study/2.txt, sample metadata: 24 samples, 8 columns",
        "--tree           study/3.txt, a Newick tree: 4 tips",
        "--sequences      study/4.txt, a FASTA file: 4 sequences",
        "study/notes.txt, a text file of some other kind",
        "24 samples with 4 ASVs",
        "V4 of the 16S gene, bases 534 to 625 of E. coli's; in its orientation",
        "all 24 samples are in the metadata",
        "all 4 ASVs are in the tree",
        "aam check study --metadata-column disease",
    ]);
    // The suggested command works.
    let next = ran.stdout.lines().last().unwrap_or_default();
    let next = next.trim().strip_prefix("aam ").expect("a command");
    let ran = aam.ok(next).prints(&["To be predicted: disease"]);
    let next = ran.stdout.lines().last().unwrap_or_default().trim();
    assert_eq!(
        next,
        "aam train --table study/1.txt --sequences study/4.txt --metadata study/2.txt \
         --metadata-column disease --classifier --group-column host_subject_id \
         --output-dir trained"
    );
    aam.ok(&format!("{} --print-config", &next[4..]));
}

#[test]
fn a_target_is_looked_at_from_all_sides() {
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
fn all_that_is_wrong_is_told_at_once() {
    let aam = study();
    aam.write("study/3.txt", "((a1:1,a2:2):0.5,(a3:3,a4:-6):1.5);\n");
    aam.write("study/2.txt", &metadata().replace("\ns1", "\nS1"));
    let ran = aam
        .run("check study --metadata-column pH")
        .ends_with_code(3);
    ran.prints(&[
        // Training needs no tree.
        "warning: study/3.txt: line 1",
        "the branch length -6",
        "error: study/2.txt: has no column `pH`",
        "columns: host_subject_id",
        "warning: study/2.txt: 11 samples of the table may be lost due to a different spelling",
        "upper and lower case",
        "fix the errors above, then check again",
        "aam check study --metadata-column pH",
    ]);
}

#[test]
fn files_that_do_not_go_together_are_an_error() {
    let aam = study();
    let metadata = metadata().replace("\ns", "\nother-");
    aam.write("study/2.txt", &metadata);
    aam.run("check study").ends_with_code(3).prints(&[
        "0 of 24 samples are in the metadata",
        "no sample of the table is in the metadata",
        // The columns are still reported.
        "Columns of the metadata, 24 samples",
    ]);
    let aam = study();
    aam.write("study/3.txt", "((a1:1,a2:2):0.5,(a3:3,b4:6):1.5);\n");
    aam.ok("check study")
        .prints(&["warning: study/3.txt: the tree lacks 1 of 4 ASVs"]);
    aam.run("check study --tree study/3.txt")
        .ends_with_code(3)
        .prints(&[
            "error: study/3.txt: the tree lacks 1 of 4 ASVs",
            "--drop-missing",
        ]);
    aam.ok("check study --tree study/3.txt --drop-missing")
        .prints(&["warning: study/3.txt: the tree lacks 1 of 4 ASVs"]);
}

#[test]
fn a_table_that_the_metadata_proves_to_be_turned_is_turned() {
    let aam = study();
    let table = table(&["a1", "a2", "a3", "a4"]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let turned: String = (0..rows[0].len())
        .map(|column| {
            let cells: Vec<&str> = rows.iter().map(|row| row[column]).collect();
            cells.join("\t") + "\n"
        })
        .collect();
    aam.write("study/1.txt", &turned);
    let ran = aam.ok("check study --metadata-column disease").prints(&[
        "study/1.txt, a feature table as text: 24 samples, 4 ASVs",
        "its ASV ids are the sample ids of the metadata: transposed, as with --transpose",
        "all 24 samples are in the metadata",
        "all 4 ASVs are in the tree",
        "aam train --table study/1.txt --transpose --sequences study/4.txt",
    ]);
    let next = ran.stdout.lines().last().unwrap_or_default().trim();
    aam.ok(&format!("{} --print-config", &next[4..]));
}

#[test]
fn asvs_are_known_by_their_sequences_or_related_by_something_else() {
    let aam = study();
    std::fs::remove_file(aam.path("study/4.txt")).unwrap();
    aam.ok("check study --metadata-column disease").prints(&[
        "are no sequences; --tree relates the features",
        "aam train --table study/1.txt --tree study/3.txt --metadata study/2.txt",
    ]);
    std::fs::remove_file(aam.path("study/3.txt")).unwrap();
    aam.ok("check study").prints(&[
        "its ids are names, such as 'a1', 'a2', 'a3'",
        "--sequences (FASTA)",
        "--taxonomy",
    ]);
    // Without metadata, sequences are all there is to learn from.
    aam.run("check --table study/1.txt")
        .ends_with_code(3)
        .prints(&["--sequences (FASTA)"]);
    // If the table contains the sequences itself, a file of other sequences is not needed.
    aam.write("study/1.txt", &table(&SEQUENCES));
    aam.write("study/4.txt", ">x\nACGT\n");
    aam.ok("check study").prints(&[
        "not needed: the ASVs of the table are named by their sequences",
        "4, from the ids of the table",
    ]);
    let turned = SEQUENCES.map(|sequence| {
        let turned = sequence.chars().rev().map(|base| match base {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            _ => 'A',
        });
        turned.collect::<String>()
    });
    let turned: Vec<&str> = turned.iter().map(String::as_str).collect();
    aam.write("study/1.txt", &table(&turned));
    aam.ok("check study").prints(&[
        "V4 of the 16S gene, bases 534 to 625 of E. coli's; reverse complements of it",
        "seqkit seq -rp",
    ]);
    let both = [SEQUENCES[0], SEQUENCES[1], turned[0], turned[3]];
    aam.write("study/1.txt", &table(&both));
    aam.ok("check study")
        .prints(&["for 2 ASVs, the reverse complement is present, too"]);
}

#[test]
fn of_several_files_the_one_that_is_used_is_named() {
    let aam = study();
    aam.write("study/table.txt", &table(&["a1", "a2", "a3", "a4"]));
    aam.write("study/broken.txt", "#OTU ID\ts1\ts2\na1\tx\t1\na2\t3\t4\n");
    aam.ok("check study").prints(&[
        "--table          study/table.txt",
        "study/1.txt, a feature table as text: not used",
        "warning: study/table.txt: it is used, but 2 further files look like a feature table",
        "select a file with --table",
    ]);
    aam.ok("check study --table study/1.txt")
        .prints(&["--table          study/1.txt"]);
    aam.run("check study --table study/broken.txt")
        .ends_with_code(3)
        .prints(&["error: study/broken.txt: line 3: the column `s1` holds text in line 2"]);
}

#[test]
fn single_files_can_be_checked() {
    let aam = study();
    aam.ok("check --metadata study/2.txt").prints(&[
        "Columns of the metadata, 24 samples",
        "everything else requires the table",
    ]);
    aam.ok("check --table study/1.txt --sequences study/4.txt --tree study/3.txt")
        .prints(&["aam pretrain --table study/1.txt --sequences study/4.txt --tree study/3.txt"]);
    aam.refuses("check").says(&["--table is missing", "folder"]);
    aam.run("check nowhere")
        .ends_with_code(3)
        .says(&["nowhere"]);
    aam.run("check study/1.txt")
        .ends_with_code(3)
        .says(&["--table"]);
    aam.run("check --metadata study/2.txt --metadata-column ph --table nowhere.biom")
        .ends_with_code(3)
        .prints(&["nowhere.biom", "has no column `ph`"]);
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
fn samples_that_say_little_or_the_same_are_named() {
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
fn names_are_shown_and_not_obeyed() {
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
fn numbers_in_words_are_named_and_not_taken_for_classes() {
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
fn a_training_tells_the_short_form() {
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
fn columns_of_real_studies_are_what_they_are() {
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
