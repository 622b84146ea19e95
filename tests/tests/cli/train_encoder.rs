//! `aam train-encoder`, on genes that are random except for their conserved stretches.

use aam_tests::{Aam, aam};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Conserved stretches of 16S genes and their starts in *E. coli*, counted from 1.
const STRETCHES: [(usize, &str); 13] = [
    (8, "AGAGTTTGATCATGGCTCAG"),
    (102, "GTGGCGGACGGGTGAGTAA"),
    (337, "GACTCCTACGGGAGGCAGCAG"),
    (515, "GTGCCAGCAGCCGCGGTAA"),
    (559, "AATTACTGGGCGTAAAGCG"),
    (683, "GTGTAGCGGTGAAATGCGTAGA"),
    (785, "GGATTAGATACCCTGGTAGTCC"),
    (907, "AAACTCAAATGAATTGACGG"),
    (967, "CAACGCGAAGAACCTTACC"),
    (1045, "GTCGTCAGCTCGTGTTG"),
    (1099, "GCAACGAGCGCAACCC"),
    (1220, "GGGCTACACACGTGCTACAATGG"),
    (1391, "TGTACACACCGCCCGTC"),
];
const COUNTS: [usize; 3] = [12, 5, 4];
/// Shares of bases by which families, genera and organisms differ from their ancestors.
const CHANGES: [f64; 3] = [0.3, 0.08, 0.02];
const TRAIN: &str = "train-encoder --sequences genes.fasta --taxonomy taxonomy.tsv --tree tree.nwk \
                     --asv-encoder kmer --asv-encoder.hidden 32 --embedding-dim 16 --organisms 48 --lr 0.01";

fn changed(gene: &str, share: f64, random: &mut StdRng) -> String {
    let mut bases: Vec<u8> = gene.bytes().collect();
    for base in &mut bases {
        if random.random::<f64>() < share {
            *base = b"ACGT"[random.random_range(0..4)];
        }
    }
    for (place, stretch) in STRETCHES {
        bases[place - 1..place - 1 + stretch.len()].copy_from_slice(stretch.as_bytes());
    }
    String::from_utf8(bases).unwrap()
}

/// Writes genes of a few families with their tree and taxonomy.
fn references(aam: &Aam) {
    let mut random = StdRng::seed_from_u64(3);
    let root = changed(&"A".repeat(1500), 1.0, &mut random);
    let (mut fasta, mut taxonomy, mut families) = (String::new(), String::new(), Vec::new());
    for f in 0..COUNTS[0] {
        let family = changed(&root, CHANGES[0], &mut random);
        let mut genera = Vec::new();
        for g in 0..COUNTS[1] {
            let genus = changed(&family, CHANGES[1], &mut random);
            let mut organisms = Vec::new();
            for o in 0..COUNTS[2] {
                let id = format!("f{f}g{g}o{o}");
                let gene = changed(&genus, CHANGES[2], &mut random);
                fasta.push_str(&format!(">{id}\n{gene}\n"));
                taxonomy.push_str(&format!(
                    "{id}\tk__Bacteria; p__P; c__C; o__O; f__F{f}; g__G{g}; s__\n"
                ));
                organisms.push(format!("{id}:{}", CHANGES[2]));
            }
            genera.push(format!("({}):{}", organisms.join(","), CHANGES[1]));
        }
        families.push(format!("({}):{}", genera.join(","), CHANGES[0]));
    }
    aam.write("genes.fasta", &fasta);
    aam.write("taxonomy.tsv", &taxonomy);
    aam.write("tree.nwk", &format!("({});\n", families.join(",")));
}

/// Share of held-out genera whose nearest reference from another region is of the same family.
fn family_across(aam: &Aam, run: &str) -> f64 {
    let text = aam.read(&format!("{run}/evaluation.tsv"));
    let row = text
        .lines()
        .find(|line| line.starts_with("encoder\tV2\tV4\t"))
        .unwrap();
    row.split('\t').nth(3).unwrap().parse().unwrap()
}

#[test]
fn families_are_recognised_in_another_region() {
    let aam = aam!();
    references(&aam);
    aam.ok(&format!("{TRAIN} --steps 1 --output-dir short"));
    aam.ok(&format!("{TRAIN} --steps 150 --output-dir long"));
    let (before, after) = (family_across(&aam, "short"), family_across(&aam, "long"));
    // One in twelve by chance.
    assert!(after > 0.6 && after > before + 0.3, "{before} {after}");
}

#[cfg(unix)]
#[test]
fn a_run_that_was_stopped_resumes_to_the_same_encoder() {
    let aam = aam!();
    references(&aam);
    let train = format!("{TRAIN} --steps 60 --save-every 5 --output-dir");
    aam.ok(&format!("{train} whole"));
    aam.run_in_shell(&format!(
        "\"$@\" {train} again & until [ -e again/checkpoints/last/manifest.json ]; do sleep 0.05; done; \
         kill -TERM $!; wait $!"
    ))
    .ends_with_code(5);
    aam.ok(&format!("{train} again --resume"))
        .says(&["resuming after"]);
    let bytes = |run: &str| std::fs::read(aam.path(&format!("{run}/encoder.safetensors"))).unwrap();
    assert!(bytes("whole") == bytes("again"));
    aam.refuses(&format!("{TRAIN} --steps 61 --output-dir again --resume"))
        .says(&["--steps: the run has 60 and cannot resume with 61"]);
}

#[test]
fn invalid_references_are_refused() {
    let aam = aam!();
    references(&aam);
    aam.write("taxonomy.tsv", "x\tk__Bacteria; p__P\n");
    aam.refuses(&format!("{TRAIN} --steps 1 --output-dir run"))
        .says(&["no sequence is a 16S gene with a tip of the tree and a lineage"]);
    aam.refuses(&format!(
        "{TRAIN} --steps 1 --embedding-dim 0 --output-dir run"
    ))
    .says(&["--embedding-dim"]);
}
