//! UniFrac between all samples of a table: `cargo run --release -p aam-unifrac --example matrix --
//! TABLE TREE [METRIC]`, with a BIOM or TSV table and a Newick tree. Without files, it uses three
//! made-up samples.

use aam_data::newick::{self, NewickOptions};
use aam_data::{DataError, Table, Tree, read_table, read_tree};
use aam_unifrac::{Metric, unifrac};

fn main() -> Result<(), DataError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (table, tree) = match arguments.as_slice() {
        [table, tree, ..] => (
            read_table(table)?,
            read_tree(tree, &NewickOptions::default())?,
        ),
        _ => small_study()?,
    };
    let metric = match arguments.get(2) {
        Some(name) => name.parse()?,
        None => Metric::Unweighted,
    };
    let distances = unifrac(&tree, &table, metric)?;
    for (row, id) in distances.ids().iter().enumerate() {
        let cells = (0..distances.len()).map(|column| format!("{:.4}", distances.get(row, column)));
        println!("{id}\t{}", cells.collect::<Vec<_>>().join("\t"));
    }
    Ok(())
}

/// Three samples with four ASVs, and a tree of the ASVs.
fn small_study() -> Result<(Table, Tree), DataError> {
    let samples = ["gut", "skin", "soil"].map(str::to_owned).to_vec();
    let asvs: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    // Sample, ASV and number of reads.
    let reads = [(0, 0, 5), (0, 1, 3), (1, 1, 2), (1, 2, 6), (2, 3, 9)];
    let table = Table::from_triplets(samples, asvs, &reads)?;
    let tree = newick::parse(
        b"((a:1,b:1):0.5,(c:1,d:2):0.25);",
        &NewickOptions::default(),
    )?;
    Ok((table, tree))
}
