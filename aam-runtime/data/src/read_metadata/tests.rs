use super::*;
use crate::ColumnKind;
use std::path::Path;

fn read_text(text: &str) -> Result<Metadata, String> {
    let source = Source::from_bytes(Path::new("m.tsv"), None, text.as_bytes().to_vec());
    read(&source.unwrap()).map_err(|e| e.to_string())
}

#[test]
fn ids_stay_text_and_cells_are_stripped() {
    let metadata = read_text(
        "# made by hand\n\u{a0}sample-id \t\" age\t\"\tgroup\t\n\
         #q2:types\t\tcategorical\n 2538.1000115\t 5 \t7\n1e5\t\t\"a \"\"b\"\"\"\n",
    )
    .unwrap();
    assert_eq!(metadata.ids(), ["2538.1000115", "1e5"]);
    let age = metadata.column("age").unwrap();
    assert_eq!(
        (age.kind, &age.values),
        (ColumnKind::Numeric, &vec![Some("5".into()), None])
    );
    let group = metadata.column("group").unwrap();
    assert_eq!(group.kind, ColumnKind::Categorical);
    assert_eq!(group.values[1].as_deref(), Some("a \"b\""));
}

#[test]
fn missing_values_as_declared() {
    let text = "id\ta\tb\n#q2:missing\tINSDC:missing\tno-missing\nx\tmissing\tmissing\ny\t2\t1\n";
    let metadata = read_text(text).unwrap();
    assert_eq!(metadata.columns()[0].kind, ColumnKind::Numeric);
    assert_eq!(metadata.columns()[0].values[0], None);
    assert_eq!(metadata.columns()[1].values[0].as_deref(), Some("missing"));
    let error = read_text(&text.replace("y\t2\t1", "y\t2")).unwrap_err();
    assert!(
        error.contains("column 'b': the value of 'y' is missing"),
        "{error}"
    );
}

#[test]
fn errors_name_the_line() {
    for (text, message) in [
        ("patient\tage\ns1\t4\n", "line 1: expected a header"),
        ("age\tSample\n4\ts1\n", "put the column 'Sample' first"),
        ("sample-id,age\ns1,4,5,6\n", "separated by commas"),
        (
            "id\ta\nx\t1\n\nx\t2\n",
            "line 4: the id 'x' already occurs in line 2",
        ),
        (
            "id\ta\nx\t1\t2\n",
            "line 2: the row has 3 cells, the header 2",
        ),
        ("id\ta\nx\t\"1\n", "line 2: a quoted cell does not end"),
        (
            "id\ta\n#q2:types\tnumeric\nx\tlow\n",
            "column 'a': is declared numeric but holds",
        ),
        (
            "id\ta\n#q2:types\tnumber\nx\t1\n",
            "line 2, column 'a': expected the type",
        ),
        ("((a,b),c);", "pass it with --tree"),
        (
            "\ts1\ts2\ns1\t0\t1\ns2\t1\t0\n",
            "pass it with --unifrac-matrix",
        ),
        (
            "# Constructed from biom file\n#OTU ID\ts1\nA\t1\n",
            "pass it with --table",
        ),
        (">s1\nACGT\n", "pass it with --sequences"),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn dialects_of_the_same_metadata() {
    for (text, note) in [
        ("sample-id\tph\thabitat\ns1\t6.5\ta\ns2\t7\tb\n", ""),
        (
            "sample-id,ph,habitat\ns1,6.5,a\n\"s2\",7,\"b\"\n",
            "separated by commas",
        ),
        (
            "#SampleID,ph,habitat\ns1,6.5,a\ns2,7,b\n",
            "separated by commas",
        ),
        (
            "sample;ph;habitat\ns1;6,5;a\ns2;7;b\n",
            "column 'ph': decimal commas",
        ),
        (
            "sample-id  ph  habitat\ns1  6.5  a\ns2  7    b\n",
            "separated by blanks",
        ),
        ("ph\thabitat\ns1\t6.5\ta\ns2\t7\tb\n", "one cell fewer"),
        (
            "\"ph\" \"habitat\"\n\"s1\" 6.5 \"a\"\n\"s2\" 7 \"b\"\n",
            "one cell fewer",
        ),
        ("\tph\thabitat\ns1\t6.5\ta\ns2\t7\tb\n", "has no name"),
        (
            "SampleID\tph\thabitat\n1\ts1\t6.5\ta\n2\ts2\t7\tb\n",
            "'SampleID' holds the ids",
        ),
        (
            "#sampleid\tph\thabitat\ns1\t6.5\ta\ns2\t7\tb\n#s3\t8\tc\n",
            "such as '#s3'",
        ),
        (
            "id\tph\thabitat\ns1\t6.5\ta\ns2\t7\tb\ns3\t#N/A\t#DIV/0!\n",
            "counts as missing",
        ),
    ] {
        let source = Source::from_bytes(Path::new("m"), None, text.as_bytes().to_vec());
        let metadata = read(&source.unwrap()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(metadata.ids()[..2], ["s1", "s2"], "{text}");
        let ph = metadata.column("ph").unwrap();
        let number = ph.values[0].as_deref().map(|value| value.parse::<f64>());
        assert_eq!(
            (ph.kind, number),
            (ColumnKind::Numeric, Some(Ok(6.5))),
            "{text}"
        );
        assert_eq!(
            metadata.column("habitat").unwrap().values[1].as_deref(),
            Some("b")
        );
        assert!(
            metadata.notes().join("\n").contains(note),
            "{text}: {:?}",
            metadata.notes()
        );
    }
}
