//! Files that are individually valid but do not form a study: messages and exit codes.

use aam_tests::{Aam, STUDY, aam};

const SMALL: &str = "--max-bp 30 --embedding-dim 16 --epochs 1";

fn study() -> Aam {
    let aam = aam!();
    aam.ok(STUDY);
    aam
}

fn train(metadata: &str, column: &str) -> String {
    format!(
        "train --test-size 0.2 --members network --table study/table.biom --metadata {metadata} --metadata-column {column} {SMALL} \
         --output-dir run"
    )
}

fn pretrain(table: &str, distances: &str) -> String {
    format!("pretrain --table {table} {distances} {SMALL} --nucleotide-steps 5 --output-dir run")
}

/// Writes the study's metadata with its sample lines modified by `change`.
fn metadata(aam: &Aam, name: &str, header: &str, change: impl Fn(usize, &str) -> String) {
    let text = aam.read("study/metadata.tsv");
    let mut changed = format!("{header}\n");
    for (row, line) in text.lines().skip(2).enumerate() {
        changed.push_str(&change(row, line));
        changed.push('\n');
    }
    aam.write(name, &changed);
}

#[test]
fn no_sample_in_common() {
    let aam = study();
    let header = "sample-id\tgradient\tph\thabitat";
    let ids = |line: &str| line.split('\t').next().map(str::to_owned).expect("an id");
    type Change = fn(&str) -> String;
    let cases: [(&str, Change, &str); 4] = [
        (
            "suffix.tsv",
            |id| format!("{id}.2538"),
            "the suffix '.2538': 'S001.2538' and 'S001'",
        ),
        (
            "prefix.tsv",
            |id| format!("run3_{id}"),
            "the prefix 'run3_': 'run3_S001' and 'S001'",
        ),
        ("case.tsv", str::to_lowercase, "upper and lower case"),
        (
            "other.tsv",
            |id| format!("mouse {}", id.replace('S', "x")),
            "check that the two files belong to the same study",
        ),
    ];
    for (name, change, guess) in cases {
        metadata(&aam, name, header, |_, line| {
            line.replacen(&ids(line), &change(&ids(line)), 1)
        });
        let first = change("S001");
        aam.run(&train(name, "ph")).ends_with_code(3).says(&[
            name,
            "no sample of the table is in the metadata",
            "the table has 'S001', 'S002', 'S003', the metadata has",
            &format!("'{first}', '{}', '{}'", change("S002"), change("S003")),
            guess,
        ]);
    }
    aam.run(&train("study/truth-asvs.tsv", "slope"))
        .ends_with_code(3)
        .says(&["study/truth-asvs.tsv", "the file is about ASVs"]);
    assert!(!aam.path("run").exists());
}

#[test]
fn targets_that_cannot_be_learned() {
    let aam = study();
    let header = "sample-id\tgradient\tph\thabitat\tconstant\tone\tmixed\tfew\thuge";
    metadata(&aam, "m.tsv", header, |row, line| {
        let mixed = if row % 5 == 0 { "low" } else { "4" };
        let few = if row < 3 { "12" } else { "" };
        format!("{line}\t3.5\tgut\t{mixed}\t{few}\t1e{}", 10 * row)
    });
    aam.run(&train("m.tsv", "habitat"))
        .ends_with_code(3)
        .says(&[
            "m.tsv: column 'habitat': 24 of 24 samples have non-numeric values (S001: ",
            ", S005: ",
            "to predict classes, add --classifier",
        ]);
    aam.run(&train("m.tsv", "mixed")).ends_with_code(3).says(&[
        "m.tsv: column 'mixed': 5 of 24 samples have non-numeric values (S001: low, S006: low, ",
    ]);
    aam.run(&train("m.tsv", "constant"))
        .ends_with_code(3)
        .says(&[
            "m.tsv: column 'constant': every sample has the value 3.5",
            "choose a column that varies",
        ]);
    let one = format!("{} --classifier", train("m.tsv", "one"));
    aam.run(&one).ends_with_code(3).says(&[
        "m.tsv: column 'one': every sample has the class 'gut'",
        "at least two classes",
    ]);
    aam.run(&train("m.tsv", "huge"))
        .ends_with_code(3)
        .says(&["m.tsv: column 'huge': a value is 1e20", "unit"]);
    aam.run(&train("m.tsv", "few"))
        .ends_with_code(3)
        .says(&["m.tsv: only 3 samples have a target; at least 4 are needed"]);
    let classes = format!("{} --classifier", train("m.tsv", "ph"));
    aam.run(&classes)
        .ends_with_code(3)
        .says(&["m.tsv: column 'ph': ", "leave out --classifier"]);
    aam.run(&train("m.tsv", "Constant"))
        .ends_with_code(3)
        .says(&[
            "m.tsv: has no column 'Constant'",
            "did you mean 'constant'?",
        ]);
    assert!(!aam.path("run").exists());
}

#[test]
fn samples_without_reads_are_left_out_and_named() {
    let aam = study();
    let asvs: Vec<String> = (0..16u32)
        .map(|i| {
            let end = [i >> 2, i & 3].map(|base| ["A", "C", "G", "T"][base as usize]);
            format!("ACGTACGTACGTACGTACGTACGTACGT{}", end.concat())
        })
        .collect();
    let table = |name: &str, empty: &[usize]| {
        let ids: Vec<String> = (1..=24).map(|sample| format!("S{sample:03}")).collect();
        let mut text = format!("#OTU ID\t{}\n", ids.join("\t"));
        for (i, asv) in asvs.iter().enumerate() {
            text.push_str(asv);
            for sample in 0..24 {
                let reads = match empty.contains(&sample) {
                    true => 0,
                    false => (7 * sample + 5 * i) % 13,
                };
                text.push_str(&format!("\t{reads}"));
            }
            text.push('\n');
        }
        aam.write(name, &text);
    };
    table("two-empty.tsv", &[3, 7]);
    table("all-empty.tsv", &(0..24).collect::<Vec<_>>());
    let flags = format!("--metadata study/metadata.tsv --metadata-column ph {SMALL}");
    let note = ["2 samples without reads are dropped, such as S004, S008"];
    aam.ok(&format!(
        "train --test-size 0.2 --members network --table two-empty.tsv {flags} --output-dir run"
    ))
    .says(&note);
    aam.ok("predict --model run/checkpoints/best --table two-empty.tsv --output p.tsv")
        .says(&note);
    let predictions = aam.read("p.tsv");
    assert_eq!(predictions.lines().count(), 1 + 22);
    assert!(!predictions.contains("S004") && !predictions.contains("NaN"));
    aam.run(&format!(
        "train --test-size 0.2 --members network --table all-empty.tsv {flags} --output-dir none"
    ))
    .ends_with_code(3)
    .says(&["all-empty.tsv: no sample has any reads"]);
}

#[test]
fn matrices_that_hold_no_distances() {
    let aam = study();
    let text = aam.read("study/unifrac.tsv");
    let with = |name: &str, cells: &[(usize, usize, &str)]| {
        let rows = text.lines().enumerate().map(|(i, line)| {
            let row = line.split('\t').enumerate().map(|(j, cell)| {
                let other = cells.iter().find(|(r, c, _)| (*r, *c) == (i, j));
                other.map_or(cell, |(_, _, cell)| cell).to_owned()
            });
            row.collect::<Vec<_>>().join("\t") + "\n"
        });
        aam.write(name, &rows.collect::<String>());
        pretrain("study/table.biom", &format!("--unifrac-matrix {name}"))
    };
    let pair = "samples 'S002' and 'S004': ";
    for (name, cells, said) in [
        (
            "nan.tsv",
            &[(2, 4, "nan"), (4, 2, "nan")][..],
            "the distance is NaN",
        ),
        ("inf.tsv", &[(4, 2, "inf")], "the distance is inf"),
        (
            "lopsided.tsv",
            &[(2, 4, "0.1"), (4, 2, "0.9")],
            "not symmetric: 0.1 one way, 0.9 the other",
        ),
        (
            "negative.tsv",
            &[(2, 4, "-0.5"), (4, 2, "-0.5")],
            "negative",
        ),
    ] {
        let ran = aam.run(&with(name, cells)).ends_with_code(3);
        ran.says(&[&format!("{name}: {pair}"), said]);
    }
    aam.run(&with("word.tsv", &[(2, 4, "far")]))
        .ends_with_code(3)
        .says(&["word.tsv: line 3: expected the distance of 'S002' and 'S004', found 'far'"]);
    assert!(!aam.path("run").exists());
}

#[test]
fn trees_with_other_asv_names_or_missing_parts() {
    let aam = study();
    let table = aam.read("study/truth-asvs.tsv");
    let asvs: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|l| l.split('\t').next())
        .collect();
    let mut tree = aam.read("study/tree.nwk");
    let mut fasta = String::new();
    let mut text = "#OTU ID".to_owned();
    (1..=24).for_each(|sample| text.push_str(&format!("\tS{sample:03}")));
    for (i, asv) in asvs.iter().enumerate() {
        tree = tree.replace(asv, &format!("asv{i}"));
        fasta.push_str(&format!(">asv{i}\n{asv}\n"));
        text.push_str(&format!("\nasv{i}"));
        (0..24).for_each(|sample| text.push_str(&format!("\t{}", (sample + i) % 3)));
    }
    aam.write("named.tsv", &text);
    aam.write("named.nwk", &tree);
    aam.write("rep-seqs.fasta", &fasta);
    let named = pretrain("named.tsv", "--tree named.nwk");
    aam.ok(&format!("{named} --sequences rep-seqs.fasta"));
    aam.write("few.fasta", ">asv0\nACGT\n");
    let few = format!("{named} --sequences few.fasta --overwrite");
    aam.run(&few).ends_with_code(3).says(&[
        "few.fasta: ",
        "ASVs of the table have no sequence: 'asv1', ",
    ]);
    aam.run(&named.replace(" run", " other"))
        .ends_with_code(3)
        .says(&["ASV 'asv0'", "--sequences"]);

    let lengths = tree
        .split(':')
        .map(|part| part.trim_start_matches(|c: char| "0123456789.e-".contains(c)));
    let bare = format!("[&R]{}", lengths.collect::<String>());
    aam.write("bare.nwk", &bare);
    let bare = pretrain(
        "named.tsv",
        "--tree bare.nwk --sequences rep-seqs.fasta --overwrite",
    );
    aam.run(&bare).ends_with_code(3).says(&[
        "bare.nwk: line 1",
        "has no length",
        "--missing-length 0",
    ]);
    aam.ok(&format!("{bare} --missing-length 1"));
    aam.refuses(&format!("{bare} --missing-length -1"))
        .says(&["--missing-length: expected a number of at least 0 or none, found '-1'"]);

    // One sample contains only ASVs that the tree lacks.
    let lone = "T".repeat(30);
    let cells: Vec<&str> = (0..24)
        .map(|sample| if sample == 5 { "9" } else { "1" })
        .collect();
    let emptied = text.lines().map(|line| {
        let cells = line.split('\t').enumerate();
        let cells = cells.map(|(i, cell)| match (i, line.starts_with("asv")) {
            (6, true) => "0",
            _ => cell,
        });
        cells.collect::<Vec<_>>().join("\t") + "\n"
    });
    let emptied = emptied.collect::<String>() + &format!("lone\t{}\n", cells.join("\t"));
    aam.write("emptied.tsv", &emptied);
    aam.write("more.fasta", &format!("{fasta}>lone\n{lone}\n"));
    let emptied = pretrain(
        "emptied.tsv",
        "--tree named.nwk --sequences more.fasta --overwrite",
    );
    aam.run(&emptied)
        .ends_with_code(3)
        .says(&["named.nwk: 1 of the table's", "--drop-missing"]);
    aam.ok(&format!("{emptied} --drop-missing")).says(&[
        "1 ASV is not in the tree",
        "1 sample without reads is dropped, such as S006",
    ]);
}
