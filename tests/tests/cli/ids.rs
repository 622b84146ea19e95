//! Tables whose ids are not sequences: related by a tree, by lineages, or by nothing.

use aam_runtime::data::{Ids, Table, read_table, write_biom};
use aam_tests::{Aam, STUDY, aam, cells};

const TRAIN: &str = "train --test-size 0.2 --members network,forest --metadata study/metadata.tsv \
                     --metadata-column ph --embedding-dim 16 --epochs 2 --baseline-trees 0";
const PREDICT: &str = "predict --overwrite --output p.tsv";

/// A study whose table and tree name ASVs by the results of `name`. Every ASV has reads.
fn study(name: impl Fn(usize) -> String) -> Aam {
    let aam = aam!();
    aam.ok(STUDY);
    let table = read_table(aam.path("study/table.biom")).expect("a table");
    let table = table.drop_empty_features().expect("a table");
    let names: Vec<String> = (0..table.num_features()).map(name).collect();
    let mut tree = aam.read("study/tree.nwk");
    let mut fasta = String::new();
    for (sequence, name) in table.feature_ids().iter().zip(&names) {
        tree = tree.replace(sequence, name);
        fasta.push_str(&format!(">{name}\n{sequence}\n"));
    }
    aam.write("tree.nwk", &tree);
    aam.write("asvs.fasta", &fasta);
    write(&aam, "table.biom", table, names.into_iter().collect());
    aam
}

/// The number of features.
fn size(aam: &Aam) -> usize {
    let table = read_table(aam.path("table.biom")).expect("a table");
    table.num_features()
}

fn write(aam: &Aam, file: &str, table: Table, ids: Ids) {
    let table = table.with_feature_ids(ids).expect("ids");
    write_biom(aam.path(file), &table).expect("a file");
}

/// The table with its features in the opposite order, and those for which `name` returns something renamed.
fn turned(aam: &Aam, file: &str, name: impl Fn(usize) -> Option<String>) {
    let table = read_table(aam.path("table.biom")).expect("a table");
    let last = table.num_features() as u32 - 1;
    let mut cells = Vec::new();
    for row in 0..table.num_samples() {
        let (columns, counts) = table.row(row);
        let own = columns.iter().zip(counts);
        cells.extend(own.map(|(&column, &count)| (row as u32, last - column, count)));
    }
    let ids = table.feature_ids().iter().enumerate();
    let mut ids: Vec<String> = ids
        .map(|(column, id)| name(column).unwrap_or_else(|| id.to_owned()))
        .collect();
    ids.reverse();
    let turned = Table::from_triplets(table.sample_ids().to_vec(), ids, &cells);
    write_biom(aam.path(file), &turned.expect("a table")).expect("a file");
}

fn lineage(number: usize, separator: &str) -> String {
    let [class, genus] = [number % 4, number % 12];
    [
        "k__Bacteria".to_owned(),
        format!("p__P{}", class % 2),
        format!("c__C{class}"),
        format!("g__G{genus}"),
        format!("s__S{number}"),
    ]
    .join(separator)
}

/// A tree of two clades.
fn two_clades(first: &[&str], second: &[&str]) -> String {
    let clade = |tips: &[&str]| {
        let tips: Vec<String> = tips.iter().map(|tip| format!("{tip}:1")).collect();
        format!("({}):1", tips.join(","))
    };
    format!("({},{});\n", clade(first), clade(second))
}

fn predictions(aam: &Aam) -> Vec<f64> {
    aam.column("p.tsv", "prediction")
}

#[test]
fn plain_ids_are_learned_each_by_itself_and_new_ones_are_reported() {
    let aam = study(|number| format!("otu{number}"));
    aam.ok(&format!("{TRAIN} --table table.biom --output-dir run"))
        .says(&[
            "the ids of the table, such as 'otu0', are not sequences",
            "as if unrelated to the others",
            "--sequences",
            "--tree",
            "--taxonomy",
        ]);
    let settings = aam.read("run/config.toml");
    assert!(!settings.contains("max-bp"), "{settings}");
    aam.ok(&format!("{PREDICT} --model run --table table.biom"));
    let first = predictions(&aam);
    assert!(first.iter().any(|value| (value - first[0]).abs() > 1e-6));
    // The order of the features does not matter.
    turned(&aam, "turned.biom", |_| None);
    aam.ok(&format!("{PREDICT} --model run --table turned.biom"));
    let apart = first.iter().zip(predictions(&aam));
    assert!(apart.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-4);
    turned(&aam, "new.biom", |number| {
        (number % 2 == 0).then(|| format!("new{number}"))
    });
    aam.ok(&format!("{PREDICT} --model run --table new.biom"));
    let unseen = aam.column("p.tsv", "unseen_reads");
    let mean = unseen.iter().sum::<f64>() / unseen.len() as f64;
    assert!(mean > 0.1 && mean < 0.9, "{unseen:?}");
    turned(&aam, "others.biom", |number| Some(format!("new{number}")));
    aam.ok(&format!("{PREDICT} --model run --table others.biom"))
        .says(&["shares no ASV", "ids of the same kind"]);
    // The run resumes to the same relations.
    aam.ok(&format!(
        "{} --table table.biom --output-dir run --resume",
        TRAIN.replace("--epochs 2", "--epochs 3")
    ));
}

#[test]
fn a_tree_relates_features_and_those_it_lacks_are_unrelated() {
    let aam = study(|number| format!("otu{number}"));
    let all = size(&aam);
    aam.ok(&format!("{TRAIN} --table table.biom --output-dir alone"));
    aam.ok(&format!(
        "{TRAIN} --table table.biom --tree tree.nwk --output-dir run"
    ))
    .says(&[
        &format!("tree.nwk: {all} of {all} features are tips of the tree"),
        "lengths of the paths",
    ]);
    aam.ok(&format!("{PREDICT} --model alone --table table.biom"));
    let alone = predictions(&aam);
    let known = format!("{all} of {all} features are in the tree used in training");
    aam.ok(&format!("{PREDICT} --model run --table table.biom"))
        .says(&[&known]);
    let related = predictions(&aam);
    let apart = alone.iter().zip(&related).map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f64::max) > 1e-6, "the tree changes nothing");
    aam.ok(
        "explain --model run --table table.biom --tree tree.nwk --output-dir explained \
         --evaluations 400 --orders 2",
    );
    turned(&aam, "new.biom", |number| {
        (number == 3).then(|| "new".to_owned())
    });
    aam.ok(&format!("{PREDICT} --model run --table new.biom"))
        .says(&[
            &format!("{} of {all} features are in the tree", all - 1),
            "'new'",
            "treated as unrelated",
        ]);
}

#[test]
fn trees_may_lack_features_but_not_all() {
    let aam = study(|number| format!("otu{number}"));
    let all = size(&aam);
    let tips: Vec<String> = (0..20).map(|number| format!("otu{number}")).collect();
    let tips: Vec<&str> = tips.iter().map(String::as_str).collect();
    aam.write("few.nwk", &two_clades(&tips[..10], &tips[10..]));
    let few = format!("{TRAIN} --table table.biom --tree few.nwk --overwrite --output-dir few");
    aam.ok(&few).says(&[
        &format!("few.nwk: 20 of {all} features"),
        "such as 'otu20'",
        "treated as unrelated",
    ]);
    aam.ok(&format!("{few} --drop-missing")).says(&[
        &format!("{} ASVs are not in the tree", all - 20),
        "20 of 20 features",
    ]);
    aam.write("others.nwk", &two_clades(&["x", "y"], &["z", "w"]));
    aam.run(&few.replace("few.nwk", "others.nwk"))
        .ends_with_code(3)
        .says(&[
            "others.nwk: none of the table's features is in it",
            "'otu0'",
            "'w'",
        ]);
}

#[test]
fn lineages_relate_features_in_the_ids_or_in_a_file() {
    let aam = study(|number| lineage(number, "|"));
    let all = size(&aam);
    let cross_validated = TRAIN.replace("--test-size 0.2", "--folds 2");
    aam.ok(&format!(
        "{cross_validated} --table table.biom --output-dir run"
    ));
    aam.ok(&format!("{PREDICT} --model run --table table.biom"));
    aam.ok("explain --model run --table table.biom --output-dir e --evaluations 400 --orders 2");
    assert!(aam.read("e/genera.tsv").contains("G7"));
    // A new species of a known genus is placed by its id.
    turned(&aam, "new.biom", |number| {
        (number == 5).then(|| lineage(5, ";").replace("s__S5", "s__new"))
    });
    aam.ok(&format!("{PREDICT} --model run --table new.biom"))
        .says(&[&format!(
            "{all} of {all} features are named by their lineages"
        )]);

    let aam = study(|number| (1000 + number).to_string());
    let all = size(&aam);
    let rows = (0..all - 1).map(|number| format!("{}\t{}\n", 1000 + number, lineage(number, "; ")));
    let taxonomy = format!("Feature ID\tTaxon\n{}", rows.collect::<String>());
    aam.write("taxonomy.tsv", &taxonomy);
    let train = format!("{TRAIN} --table table.biom --taxonomy taxonomy.tsv");
    aam.ok(&format!("{train} --output-dir run")).says(&[
        &format!(
            "taxonomy.tsv: {} of {all} features are in the taxonomy",
            all - 1
        ),
        "are related by the ranks they share",
        &format!("'{}'", 999 + all),
    ]);
    aam.ok(&format!("{PREDICT} --model run --table table.biom"))
        .says(&[&format!(
            "{} of {all} features are in the taxonomy used in training",
            all - 1
        )]);
    aam.refuses(&format!("{train} --tree tree.nwk --output-dir both"))
        .says(&["--taxonomy: --tree is given, too"]);
    aam.write("other.tsv", "Feature ID\tTaxon\nx\tk__Bacteria;p__P1\n");
    aam.run(&format!("{train} --output-dir other").replace("taxonomy.tsv", "other.tsv"))
        .ends_with_code(3)
        .says(&["other.tsv: none of the table's features is in it", "'1000'"]);
    // The file is part of the data of a run.
    aam.write("taxonomy.tsv", &taxonomy.replace("p__P1", "p__P0"));
    let resume = train.replace("--epochs 2", "--epochs 3");
    aam.run(&format!("{resume} --output-dir run --resume"))
        .ends_with_code(3)
        .says(&["--taxonomy taxonomy.tsv: the file has changed"]);
}

#[test]
fn sequences_come_first_and_are_needed_where_they_are_read() {
    let aam = study(|number| format!("otu{number}"));
    let all = size(&aam);
    let train = format!("{TRAIN} --table table.biom");
    for flags in ["--asv-encoder transformer", "--asv-encoder greengenes"] {
        aam.run(&format!("{train} {flags} --output-dir x"))
            .ends_with_code(3)
            .says(&["ASV 'otu0'", "--sequences"]);
    }
    aam.run("embed --table table.biom --output asvs.tsv")
        .ends_with_code(3)
        .says(&["otu0"]);
    aam.run("pretrain --table table.biom --tree tree.nwk --output-dir x")
        .ends_with_code(3)
        .says(&["ASV 'otu0'", "--sequences"]);
    aam.refuses(
        "pretrain --table study/table.biom --tree study/tree.nwk --asv-encoder lineage \
         --nucleotide-weight 0 --output-dir x",
    )
    .says(&["--asv-encoder lineage: "]);
    let ran = aam.ok(&format!(
        "{train} --sequences asvs.fasta --tree tree.nwk --output-dir s"
    ));
    assert!(!ran.stderr.contains("related by"), "{}", ran.stderr);
    aam.write(
        "taxonomy.tsv",
        "Feature ID\tTaxon\notu0\tk__Bacteria;p__P1\n",
    );
    aam.ok(&format!(
        "{train} --sequences asvs.fasta --taxonomy taxonomy.tsv --output-dir t"
    ))
    .says(&["--taxonomy has no effect"]);
    // The tree instead of the sequences.
    aam.ok(&format!(
        "{train} --sequences asvs.fasta --tree tree.nwk --asv-encoder lineage --output-dir run"
    ))
    .says(&[&format!("{all} of {all} features are tips of the tree")]);
    aam.ok(&format!("{PREDICT} --model run --table study/table.biom"))
        .says(&["features are in the tree used in training"]);
    for (command, flag) in [
        (
            format!("{train} --pretrained-encoder run --output-dir x"),
            "--pretrained-encoder",
        ),
        (
            "embed --model run --table table.biom --output asvs.tsv".to_owned(),
            "--model",
        ),
    ] {
        aam.refuses(&command)
            .says(&[flag, "features without sequences"]);
    }
    let file = aam.path("run/checkpoints/best/kinship.bin");
    let bytes = std::fs::read(&file).expect("a file");
    std::fs::write(&file, &bytes[..bytes.len() - 1]).expect("a file");
    aam.run(&format!("{PREDICT} --model run --table study/table.biom"))
        .ends_with_code(4)
        .says(&["kinship.bin"]);
}

#[test]
fn ids_with_one_sequence_are_one_asv() {
    let aam = study(|number| format!("otu{number}"));
    let fasta = aam.read("asvs.fasta");
    let mut lines: Vec<&str> = fasta.lines().collect();
    lines[3] = lines[1];
    aam.write("asvs.fasta", &(lines.join("\n") + "\n"));
    let files = "--table table.biom --sequences asvs.fasta";
    aam.ok(&format!("{TRAIN} {files} --output-dir run"))
        .says(&["1 id of the table has the same sequence as another one; their reads are summed"]);
    aam.ok(&format!("{PREDICT} --model run {files}"));
    let text = aam.read("p.tsv");
    assert!(
        cells(&text, "unseen_reads")
            .iter()
            .all(|(_, part)| part.starts_with('0'))
    );
    aam.ok(&format!("check {files} --metadata study/metadata.tsv"));
    aam.ok(&format!(
        "explain --model run {files} --output-dir e --evaluations 400 --orders 2"
    ));
}

#[test]
fn check_says_what_relates_the_features() {
    let check = |aam: &Aam, flags: &str| {
        aam.ok(&format!(
            "check --table table.biom --metadata study/metadata.tsv {flags}"
        ))
    };
    let aam = study(|number| format!("otu{number}"));
    check(&aam, "").prints(&["its ids are names, such as 'otu0'", "--taxonomy"]);
    check(&aam, "--tree tree.nwk --metadata-column ph").prints(&[
        "--tree relates the features",
        "aam train --table table.biom --tree tree.nwk --metadata study/metadata.tsv",
    ]);
    let aam = study(|number| lineage(number, "|"));
    check(&aam, "").prints(&["its ids are lineages, such as 'k__Bacteria|p__P0"]);
}
