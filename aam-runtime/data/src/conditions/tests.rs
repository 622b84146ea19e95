//! Tests of the meaning of conditions and the errors of invalid ones.

use super::*;

const METADATA: &str = "sample-id\tmom_child\tph\tbody site\tage(years)\n\
                        s1\tC\t6.0\tleft palm\t3\n\
                        s2\tM\t7\tgut\t30\n\
                        s3\tC\tnot collected\tgut\t4\n\
                        s4\tM\t5.5\tunknown\t31\n\
                        s5\t\t6\tleft palm\t\n";

fn metadata() -> Metadata {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.tsv");
    std::fs::write(&path, METADATA).unwrap();
    crate::read_metadata(&path).unwrap()
}

fn chosen(text: &str) -> Result<Vec<String>, String> {
    let metadata = metadata();
    let conditions = Conditions::parse(text).map_err(|error| error.to_string())?;
    assert_eq!(
        Conditions::parse(&conditions.to_string()).unwrap(),
        conditions
    );
    let chosen = conditions
        .choose(&metadata, metadata.ids())
        .map_err(|error| error.to_string())?;
    let ids = chosen.rows.iter().map(|&row| metadata.ids()[row].clone());
    Ok(ids.collect())
}

#[test]
fn samples_that_meet_all_conditions_are_selected() {
    for (text, ids) in [
        ("mom_child=C", &["s1", "s3"][..]),
        ("mom_child == 'C'", &["s1", "s3"]),
        ("[mom_child]=\"C\" AND ph<>7", &["s1"]),
        ("mom_child!=C", &["s2", "s4"]),
        ("ph=6", &["s1", "s5"]),
        ("ph in (6, 7.0)", &["s1", "s2", "s5"]),
        ("ph IN [6,5.5]", &["s1", "s4", "s5"]),
        ("ph >= 6 and ph<7", &["s1", "s5"]),
        ("ph > 6", &["s2"]),
        ("ph<=5.5", &["s4"]),
        ("'body site'=‘left palm’", &["s1", "s5"]),
        (
            "\"body site\" in gut , 'left palm'",
            &["s1", "s2", "s3", "s5"],
        ),
        ("age(years)>3 and mom_child in(C)", &["s3"]),
        // A word for a missing value is missing unless it is asked for.
        ("'body site' != gut", &["s1", "s5"]),
        ("'body site' = unknown", &["s4"]),
        ("ph='not collected'", &["s3"]),
    ] {
        assert_eq!(
            chosen(text).as_deref(),
            Ok(&ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>()[..]),
            "{text}"
        );
    }
}

#[test]
fn samples_without_a_value_are_counted() {
    let metadata = metadata();
    let choose = |text: &str| {
        let conditions = Conditions::parse(text).unwrap();
        conditions
            .choose(&metadata, metadata.ids())
            .unwrap()
            .missing
    };
    assert_eq!(
        choose("mom_child=C and ph=6"),
        [("mom_child".to_owned(), 1), ("ph".to_owned(), 1)]
    );
    assert_eq!(choose("'body site'=unknown"), []);
}

#[test]
fn text_that_is_not_a_condition_is_refused() {
    for (text, words) in [
        ("", "there is no condition"),
        (
            "mom_child",
            "expected one of =, !=, <, <=, >, >=, in after 'mom_child', found the end",
        ),
        ("mom_child is C", "after 'mom_child', found 'is'"),
        ("mom_child=", "expected a value after '=', found the end"),
        ("=C", "expected the name of a column, found '='"),
        (
            "site = left palm",
            "expected 'and' or the end, found 'palm'\n  help: put names and values",
        ),
        ("a=1 or b=2", "can only be joined by 'and', found 'or'"),
        ("a=1 and", "expected the name of a column, found the end"),
        (
            "a in (1, 2",
            "expected ',' or ')' after a value, found the end",
        ),
        ("a in ()", "expected a value after 'in', found ')'"),
        ("ph < high", "expected a number after '<', found 'high'"),
        (
            "'body site = gut",
            "the quote before 'body site = gut' does not end",
        ),
        ("a ! b", "after 'a', found '!'"),
    ] {
        let error = Conditions::parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn missing_columns_and_values_are_named_with_alternatives() {
    for (text, words) in [
        (
            "mom_chid=C",
            "m.tsv: has no column 'mom_chid'\n  help: did you mean 'mom_child'?",
        ),
        (
            "mom_child=c",
            "column 'mom_child': no sample has the value 'c'\n  help: did you mean 'C'? the column holds 'C' (2), 'M' (2)",
        ),
        ("mom_child!=X", "no sample has the value 'X'"),
        ("ph in (6, 9)", "no sample has the value '9'"),
        (
            "mom_child < 3",
            "'mom_child < 3' compares numbers, but the column holds none\n  help: the column holds 'C' (2), 'M' (2)",
        ),
        (
            "mom_child=C and ph>6",
            "none of the 5 samples meets all conditions: 'mom_child = C' holds for 2, 'ph > 6' holds for 1",
        ),
    ] {
        let error = chosen(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}
