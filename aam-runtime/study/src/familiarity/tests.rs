use super::*;

/// A sequence of 60 bases that depends on `seed`, with a conserved part.
fn asv(seed: usize) -> String {
    let mut state = seed as u64 + 1;
    let mut letters = |length: usize| -> String {
        let letter = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(b"ACGT"[(state >> 62) as usize])
        };
        (0..length).map(letter).collect()
    };
    letters(20) + "ACCGTTAGCATTGGCCAAGT" + &letters(20)
}

fn reverse_complement(sequence: &str) -> String {
    let complement = |base| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        _ => 'A',
    };
    sequence.chars().rev().map(complement).collect()
}

/// Samples with the ASVs, where `reads` gives the counts.
fn table(asvs: Vec<String>, samples: usize, reads: impl Fn(usize, usize) -> u32) -> Table {
    let ids = (0..samples).map(|sample| format!("s{sample}")).collect();
    let cells = (0..samples).flat_map(|s| (0..asvs.len()).map(move |a| (s, a)));
    let cells: Vec<(u32, u32, u32)> = cells
        .map(|(s, a)| (s as u32, a as u32, reads(s, a)))
        .collect();
    Table::from_triplets(ids, asvs, &cells).unwrap()
}

fn trained() -> (Table, Familiarity) {
    let table = table((0..30).map(asv).collect(), 12, |s, a| {
        ((s * 7 + a * 5) % 11) as u32
    });
    let train: Vec<usize> = (0..12).collect();
    let familiarity = Familiarity::of(&table, &train, None);
    (table, familiarity)
}

#[test]
fn training_samples_are_familiar() {
    let (table, familiarity) = trained();
    let compared = familiarity.compare(&table);
    let known = Likeness {
        unseen_reads: 0.0,
        distance: 0.0,
        unlike: false,
    };
    assert!(compared.samples.iter().all(|sample| *sample == known));
    assert_eq!(compared.warnings, Vec::<String>::new());
    let file = familiarity.to_bytes().unwrap();
    assert_eq!(Familiarity::from_bytes(&file), Ok(familiarity));
}

#[test]
fn letters_of_either_case_are_the_same_asv() {
    let (_, familiarity) = trained();
    let lower = table(
        (0..30).map(|i| asv(i).to_lowercase()).collect(),
        12,
        |s, a| ((s * 7 + a * 5) % 11) as u32,
    );
    let compared = familiarity.compare(&lower);
    assert!(compared.samples.iter().all(|sample| sample.distance == 0.0));
}

#[test]
fn reverse_complements_other_regions_and_other_lengths_are_reported() {
    let (_, familiarity) = trained();
    let warnings = |asvs: Vec<String>| {
        let compared = familiarity.compare(&table(asvs, 3, |s, a| (s + a) as u32));
        assert!(
            compared
                .samples
                .iter()
                .all(|s| s.unlike && s.unseen_reads == 1.0)
        );
        compared.warnings.join("\n")
    };
    let said = warnings((0..30).map(|i| reverse_complement(&asv(i))).collect());
    assert!(said.contains("100 % of the table's reads"), "{said}");
    assert!(said.contains("reverse complements"), "{said}");
    assert!(!said.contains("region"), "{said}");
    let other = |i: usize| asv(1000 + i).replace("ACCGTTAGCATTGGCCAAGT", &asv(i)[..12]);
    let said = warnings((0..30).map(|i| other(i).replace('A', "C")).collect());
    assert!(
        said.contains("shares no ASV") && said.contains("another region"),
        "{said}"
    );
    let said = warnings((0..30).map(|i| asv(i)[..50].to_owned()).collect());
    assert!(said.contains("trimmed or denoised differently"), "{said}");
    assert!(
        said.contains("have 60 bases, the table's 50 bases"),
        "{said}"
    );
}

#[test]
fn some_reverse_complements_among_many_are_reported() {
    let (_, familiarity) = trained();
    let asvs = (0..30).map(|i| match i % 5 {
        0 => reverse_complement(&asv(i)),
        _ => asv(i),
    });
    let compared = familiarity.compare(&table(asvs.collect(), 3, |_, _| 1));
    assert!(compared.warnings[0].starts_with("20 % of the table's reads"));
    assert!((compared.samples[0].unseen_reads - 0.2).abs() < 1e-6);
}

#[test]
fn samples_are_compared_with_other_groups() {
    // Two samples of each subject are identical, and subjects differ.
    let reads = |s: usize, a: usize| match a / 5 == s / 2 {
        true => 8,
        false => u32::from((a + s / 2).is_multiple_of(3)),
    };
    let table = table((0..30).map(asv).collect(), 12, reads);
    let train: Vec<usize> = (0..12).collect();
    let subjects: Vec<usize> = train.iter().map(|sample| sample / 2).collect();
    let alone = Familiarity::of(&table, &train, None);
    let grouped = Familiarity::of(&table, &train, Some(&subjects));
    assert!(alone.distances.iter().all(|distance| *distance == 0.0));
    assert!(grouped.distances.iter().all(|distance| *distance > 0.3));
    // A single group does not show how far apart samples are.
    let one = Familiarity::of(&table, &train, Some(&[4; 12]));
    assert_eq!((one.distances.len(), one.unseen.len()), (0, 0));
    assert!(one.compare(&table).warnings.is_empty());
}

#[test]
fn few_samples_exceed_the_limits() {
    let values: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
    assert_eq!(limit(&values), 0.990);
    assert_eq!(limit(&values[..10]), 0.009);
    assert_eq!(limit(&[]), 1.0);
    let many: Vec<f32> = (0..100_001).rev().map(|i| i as f32).collect();
    let thinned = distribution(many);
    assert_eq!(
        (thinned.len(), thinned[0], thinned[999]),
        (1000, 0.0, 100_000.0)
    );
}

#[test]
fn the_summary_of_a_large_study_is_small() {
    let asvs: Vec<String> = (0..100_000)
        .map(|i| format!("{i:b}").replace('0', "A").replace('1', "C"))
        .collect();
    let cells: Vec<(u32, u32, u32)> = (0..1500u32)
        .flat_map(|s| (0..400u32).map(move |i| (s, (s * 66 + i * 17) % 100_000, 1 + i % 5)))
        .collect();
    let ids = (0..1500).map(|s| format!("s{s}")).collect();
    let table = Table::from_triplets(ids, asvs, &cells).unwrap();
    let train: Vec<usize> = (0..1500).collect();
    let bytes = Familiarity::of(&table, &train, None).to_bytes().unwrap();
    assert!(bytes.len() < 4_000_000, "{}", bytes.len());
}

#[test]
fn hashes_of_names_never_change() {
    assert_eq!(name("ACGT"), name("acgu"));
    assert_eq!(name("ACGT"), KNOWN);
}

/// Checkpoints from other machines identify `ACGT` by this value.
const KNOWN: u64 = 0x8f23_e315_77b5_21c5;
