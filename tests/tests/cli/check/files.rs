//! What the files of a study are, and how they match.

use super::*;

#[test]
fn files_of_a_folder_are_recognised_by_content() {
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
fn all_problems_are_reported_at_once() {
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
        "error: study/2.txt: has no column 'pH'",
        "columns: host_subject_id",
        "warning: study/2.txt: 11 samples of the table may be lost due to a different spelling",
        "upper and lower case",
        "fix the errors above, then check again",
        "aam check study --metadata-column pH",
    ]);
}

#[test]
fn files_that_do_not_match_are_an_error() {
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
fn a_table_that_the_metadata_proves_transposed_is_transposed() {
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
        "are not sequences; --tree relates the features",
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
fn the_file_used_among_several_is_named() {
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
        .prints(&["error: study/broken.txt: line 3: the column 's1' holds text in line 2"]);
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
        .prints(&["nowhere.biom", "has no column 'ph'"]);
}

#[test]
fn a_folder_without_files_of_a_study_is_an_error() {
    let aam = aam!();
    std::fs::create_dir(aam.path("empty")).expect("a folder");
    aam.run("check empty").ends_with_code(3).says(&[
        "error: empty: the folder has no files that aam reads",
        "subfolders",
    ]);
    aam.write("empty/notes.txt", "Nothing of use.\n");
    aam.run("check empty").ends_with_code(3).prints(&[
        "empty/notes.txt, a text file of some other kind",
        "error: empty: the folder has no files that aam reads",
    ]);
}
