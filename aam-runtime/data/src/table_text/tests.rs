use super::*;
use std::path::Path;

fn read_text(text: &str) -> Result<Table, String> {
    let source = Source::from_bytes(Path::new("t.tsv"), None, text.as_bytes().to_vec());
    let table = read(&source.unwrap(), false).map_err(|e| e.to_string())?;
    Ok(table.0)
}

#[test]
fn the_classic_form() {
    let plain = "# Constructed from biom file\n#OTU ID\ts1\ts2\nA\t0.0\t3.0\n\nC\t1\t0\n";
    let table = read_text(plain).unwrap();
    assert_eq!(table.sample_ids(), ["s1", "s2"]);
    assert_eq!(table.feature_ids(), ["A", "C"]);
    assert_eq!(table.row(0), (&[1][..], &[1][..]));
    for variant in [
        "#OTU ID\ts1\ts2\ttaxonomy\r\nA\t0\t3\tk__B; p__F\r\nC\t1\t0\t\r\n",
        "#OTU ID\ts1\ts2\tnote\nA\t0\t3\tx\nC\t1\t0\ty\n",
        "\u{feff}feature\ts1\ts2\nA\t0\t3\nC\t1\t0",
        "#OTUID\ts1\ts2\t\nA\t0\t3\t\nC\t1\t0\t\n",
    ] {
        assert_eq!(read_text(variant).unwrap(), table, "{variant}");
    }
}

#[test]
fn errors_name_line_and_cell() {
    for (text, message) in [
        (
            "#OTU ID\ts1\nA\t1\nA\t2\n",
            "the feature id 'A' occurs more than once",
        ),
        (
            "#OTU ID\ts1\ts2\nA\t1\n",
            "line 2: the feature 'A' has 1 count, expected",
        ),
        (
            "#OTU ID\ts1\ts2\nA\t1\t2\t3\n",
            "line 2: the feature 'A' has 3 counts",
        ),
        (
            "#OTU ID\ts1\ts2\nA\t1\t2\nC\tx\t1\n",
            "feature 'C', sample 's1': expected a count",
        ),
        ("#OTU ID\ts1\nA\t-1\n", "the count -1 is negative"),
        (
            "#OTU ID\ts1\nA\t0.25\n",
            "the count 0.25 is not a whole number",
        ),
        ("#OTU ID\ts1\nA\tNaN\n", "expected a count, found 'NaN'"),
        ("#OTU ID\ts1\nA\t1e300\n", "larger than any count"),
        (
            "#OTU ID\ts1\ts2\nA\t1\tx\nC\t1\t1\n",
            "line 3: the column 's2' holds text",
        ),
        ("#OTU ID\ttaxonomy\nA\tk__B\n", "found only 'taxonomy'"),
        ("#OTU ID\ts1\n", "a header but no features"),
        ("(a:1,b:2);\n", "pass it with --tree"),
        (
            "\ts1\ts2\ns1\t0\t1\ns2\t1\t0\n",
            "pass it with --unifrac-matrix",
        ),
        ("sample-id\tage\ns1\t3\n", "pass it with --metadata"),
        ("", "found an empty file"),
        ("just a line\n", "found a text file of some other kind"),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

/// The table in `text`, and notes about it.
fn noted(text: &str) -> (Table, String) {
    let source = Source::from_bytes(Path::new("t"), None, text.as_bytes().to_vec()).unwrap();
    let (table, notes) = read(&source, false).unwrap();
    (table, notes.join("\n"))
}

#[test]
fn dialects_of_the_same_table() {
    let (table, _) = noted("#OTU ID\ts1\ts2\nA\t0\t3\nC\t1\t0\n");
    for (text, note) in [
        ("\"\"\t\"s1\"\t\"s2\"\n\"A\"\t0\t3\n\"C\"\t1\t0\n", ""),
        ("s1\ts2\nA\t0\t3\nC\t1\t0\n", "one cell fewer"),
        (
            "\"s1\" \"s2\"\n\"A\" 0 3\n\"C\" 1 0\n",
            "separated by blanks",
        ),
        (
            "\"\",\"s1\",\"s2\"\n\"A\",0,3\n\"C\",1,0\n",
            "separated by commas",
        ),
        ("id;s1;s2\nA;0;3\nC;1;0\n", "separated by semicolons"),
        (
            "#OTU ID,s1,s2,taxonomy\nA,0,3,\"k__B; c__C, D\"\nC,1,0,\n",
            "left out",
        ),
        (
            "# Constructed from biom file\nOTUID\ts1\ts2\nA\t0\t3\nC\t1\t0\n",
            "",
        ),
        (
            "# Constructed from biom file\t\t\nOTU ID\ts1\ts2\nA\t0\t3\nC\t1\t0\n",
            "",
        ),
        (
            "#mpa_v30\nclade_name\tNCBI_tax_id\ts1\ts2\nA\t7\t0\t3\nC\t8\t1\t0\n",
            "NCBI_tax_id",
        ),
        ("featureid\ts1\ts2\nA\t0\t3\nC\t1\t0\n", ""),
        (
            "\"OTU\"\t\"s1\"\t\"s2\"\n\"1\"\t\"A\"\t0\t3\n\"2\"\t\"C\"\t1\t0\n",
            "one cell fewer",
        ),
        (
            "\"\",\"OTU\",\"s1\",\"s2\"\n\"1\",\"A\",0,3\n\"2\",\"C\",1,0\n",
            "",
        ),
    ] {
        let (found, notes) = noted(text);
        assert_eq!(found, table, "{text}");
        assert!(notes.contains(note), "{text}: {notes}");
    }
}

#[test]
fn columns_that_describe_features_are_left_out_and_named() {
    let (table, _) = noted("#OTU ID\ts1\ts2\nA\t0\t3\nC\t1\t0\n");
    for (text, names) in [
        (
            "OTU\tsequence\ts1\ts2\tKingdom\tGenus\nA\tACGT\t0\t3\tB\tX\nC\tAC\t1\t0\tB\tNA\n",
            "'sequence', 'Kingdom', 'Genus'",
        ),
        (
            "OTU\ts1\tlength\ts2\nA\t0\t250\t3\nC\t1\t251\t0\n",
            "'length'",
        ),
        ("OTU\ttotal\ts1\ts2\nA\t3\t0\t3\nC\t1\t1\t0\n", "'total'"),
        ("OTU\ts1\ts2\tTaxon\nA\t0\t3\t\nC\t1\t0\tk__B\n", "'Taxon'"),
        (
            "OTU\ts1\ts2\tmade by\nA\t0\t3\tx\nC\t1\t0\ty\n",
            "'made by'",
        ),
        (
            "#taxonomy\tseed_id\tobservation_name\tobservation_sum\ts1\ts2\n\
             k;p\tr0\tA\t3\t0\t3\nk;p\tr1\tC\t1\t1\t0\n",
            "'#taxonomy', 'seed_id', 'observation_sum'",
        ),
        (
            "name\ttaxonomy_id\ttaxonomy_lvl\ts1_num\ts1_frac\ts2_num\ts2_frac\n\
             A\t7\tG\t0\t0.0\t3\t1.0\nC\t8\tG\t1\t0.5\t0\t0.0\n",
            "'taxonomy_id', 'taxonomy_lvl'",
        ),
    ] {
        let (found, notes) = noted(text);
        assert_eq!(found, table, "{text}");
        assert!(notes.contains(names), "{text}: {notes}");
    }
}

#[test]
fn cells_that_are_not_counts_are_named_with_their_place() {
    for (text, place, message) in [
        (
            "OTU\ts1\ts2\nA\t1\t\nC\t1\t2\n",
            "line 2, feature 'A', sample 's2'",
            "found an empty cell\n  help: write 0 where no reads were counted",
        ),
        (
            "OTU\ts1\ts2\nA\t1\t2\nC\tNA\t2\n",
            "line 3, feature 'C', sample 's1'",
            "found 'NA'",
        ),
        ("OTU\ts1\nA\t1\nC\t1,056\n", "line 3", "thousands separator"),
        (
            "OTU\ts1\nA\t6,5\nC\t1\n",
            "line 2, sample 's1'",
            "decimal commas",
        ),
        (
            "OTU\ts1\ts2\nA\t6,5\t1\nC\t7,25\t1\n",
            "line 2, sample 's1'",
            "decimal commas",
        ),
        ("OTU\ts1\nA\t10\nC\t5%\n", "line 3", "percentages"),
        (
            "OTU\ts1\nA\t10\nC\tx\n",
            "line 3",
            "a column that is not a sample must be removed",
        ),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(
            error.contains(place) && error.contains(message),
            "{text}: {error}"
        );
    }
}
