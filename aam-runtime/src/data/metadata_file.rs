//! Reading a metadata file by the rules of QIIME 2; [`super::metadata`] tells them.

use std::collections::{HashMap, HashSet};

use super::DataError;
use super::metadata::{Column, ColumnKind, Metadata, is_id_header, is_reserved, number};
use super::role::{Role, recognise, wrong_file};
use super::source::{Kind, Source};
use super::tsv_rows::Rows;

type Row = (usize, Vec<String>);

/// Reads the metadata in `source`.
pub(crate) fn read(source: &Source) -> Result<Metadata, DataError> {
    let from_biom = source.head().starts_with(b"# Constructed from biom");
    let mixed_up = match recognise(source).role {
        None | Some(Role::Metadata) => false,
        Some(Role::Table) => from_biom || source.kind() != Kind::Text,
        Some(_) => true,
    };
    if mixed_up || !matches!(source.kind(), Kind::Text | Kind::Utf16 | Kind::Json) {
        return Err(wrong_file(source, Role::Metadata));
    }
    let text = source.text()?;
    let (ids, columns) = parse(&text).map_err(|e| source.in_file(e))?;
    Ok(Metadata::new(source.path().to_owned(), ids, columns))
}

fn parse(text: &str) -> Result<(Vec<String>, Vec<Column>), DataError> {
    let mut rows = Rows::new(text);
    let header = header(&mut rows)?;
    let mut directives = Directives::default();
    let mut next = next_row(&mut rows)?;
    while let Some(row) = next.take_if(|(_, cells)| is_directive(cells)) {
        directives.add(row, &header)?;
        next = next_row(&mut rows)?;
    }

    let mut ids = Vec::new();
    let mut values = vec![Vec::new(); header.len() - 1];
    let mut lines = HashMap::new();
    while let Some(row) = next {
        next = next_row(&mut rows)?;
        let (line, cells) = &row;
        if is_comment(cells) || is_empty(cells) {
            continue;
        }
        let at = format!("line {line}");
        if is_directive(cells) {
            return Err(DataError::new(format!("`{}` is out of place", cells[0]))
                .at(at)
                .help("directives stand immediately below the header"));
        }
        if is_reserved(&cells[0]) {
            return Err(DataError::new(format!(
                "the id `{}` is a name reserved for the header of the id column",
                cells[0]
            ))
            .at(at)
            .help("does the file hold a second header?"));
        }
        let mut cells = fit(row, &header)?.into_iter();
        let id = cells.next().unwrap_or_default();
        if id.is_empty() {
            return Err(DataError::new("the row has no id").at(at));
        }
        if let Some(first) = lines.insert(id.clone(), at.clone()) {
            return Err(
                DataError::new(format!("the id `{id}` occurs already in {first}"))
                    .at(at)
                    .help("keep one row for each sample"),
            );
        }
        ids.push(id);
        for (column, cell) in values.iter_mut().zip(cells) {
            column.push((!cell.is_empty()).then_some(cell));
        }
    }
    if ids.is_empty() {
        return Err(DataError::new("has a header but no samples"));
    }
    let columns = header[1..]
        .iter()
        .zip(values)
        .map(|(name, values)| directives.column(name, values, &ids))
        .collect::<Result<_, _>>()?;
    Ok((ids, columns))
}

fn next_row(rows: &mut Rows) -> Result<Option<Row>, DataError> {
    let row = rows.next_row()?;
    Ok(row.map(|(line, cells)| {
        (
            line,
            cells.iter().map(|cell| strip(cell).to_owned()).collect(),
        )
    }))
}

fn header(rows: &mut Rows) -> Result<Vec<String>, DataError> {
    let (line, mut header) = loop {
        let Some((line, cells)) = next_row(rows)? else {
            return Err(DataError::new(
                "has no header: it is empty or holds only comments",
            ));
        };
        if is_id_header(&cells[0]) {
            break (line, cells);
        }
        if is_comment(&cells) || is_empty(&cells) {
            continue;
        }
        let at = format!("line {line}");
        if is_directive(&cells) {
            return Err(
                DataError::new(format!("`{}` stands before the header", cells[0]))
                    .at(at)
                    .help("directives stand immediately below the header"),
            );
        }
        let comma = cells[0]
            .split_once(',')
            .is_some_and(|(name, _)| is_id_header(strip(name)));
        let error = DataError::new(format!(
            "expected a header whose first column is named `sample-id` (or `id`, `#SampleID`, \
             `sample_name`, `sample_id`), found `{}`",
            super::shorten(&cells[0])
        ))
        .at(at);
        return Err(if comma {
            error.help("the columns must be separated by tabs, not commas")
        } else {
            error.help("rename the column that holds the sample ids, and put it first")
        });
    };
    let at = format!("line {line}");
    while header.last().is_some_and(String::is_empty) {
        header.pop();
    }
    let mut seen = HashSet::new();
    for name in &header {
        if name.is_empty() {
            return Err(DataError::new("a column has no name").at(at));
        }
        if !seen.insert(name) {
            return Err(
                DataError::new(format!("the column `{name}` occurs more than once")).at(at),
            );
        }
    }
    if let Some(name) = header[1..].iter().find(|name| is_reserved(name)) {
        return Err(DataError::new(format!(
            "the column name `{name}` is reserved for the id column, which is `{}` here",
            header[0]
        ))
        .at(at)
        .help("rename the column"));
    }
    Ok(header)
}

/// What the lines `#q2:types` and `#q2:missing` declare.
#[derive(Default)]
struct Directives {
    seen: HashSet<String>,
    kinds: HashMap<String, ColumnKind>,
    missing: HashMap<String, MissingScheme>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MissingScheme {
    Blank,
    Never,
    Insdc,
}

const INSDC_MISSING: [&str; 5] = [
    "not applicable",
    "missing",
    "not collected",
    "not provided",
    "restricted access",
];

impl Directives {
    fn add(&mut self, row: Row, header: &[String]) -> Result<(), DataError> {
        let at = format!("line {}", row.0);
        let name = row.1[0].clone();
        if !self.seen.insert(name.clone()) {
            return Err(DataError::new(format!("`{name}` occurs more than once")).at(at));
        }
        if name != "#q2:types" && name != "#q2:missing" {
            return Err(DataError::new(format!(
                "expected the directive `#q2:types` or `#q2:missing`, found `{name}`"
            ))
            .at(at));
        }
        let cells = fit(row, header)?;
        for (column, cell) in header
            .iter()
            .zip(&cells)
            .skip(1)
            .filter(|(_, c)| !c.is_empty())
        {
            let unknown = |expected: &str| {
                DataError::new(format!("expected {expected}, found `{cell}`"))
                    .at(format!("{at}, column `{column}`"))
            };
            if name == "#q2:types" {
                let kind = match cell.to_lowercase().as_str() {
                    "numeric" => ColumnKind::Numeric,
                    "categorical" => ColumnKind::Categorical,
                    _ => return Err(unknown("the type `numeric` or `categorical`")),
                };
                self.kinds.insert(column.clone(), kind);
            } else {
                let scheme = match cell.as_str() {
                    "blank" => MissingScheme::Blank,
                    "no-missing" => MissingScheme::Never,
                    "INSDC:missing" => MissingScheme::Insdc,
                    _ => {
                        return Err(unknown(
                            "the scheme `blank`, `no-missing` or `INSDC:missing`",
                        ));
                    }
                };
                self.missing.insert(column.clone(), scheme);
            }
        }
        Ok(())
    }

    fn column(
        &self,
        name: &str,
        mut values: Vec<Option<String>>,
        ids: &[String],
    ) -> Result<Column, DataError> {
        let at = format!("column `{name}`");
        match self.missing.get(name) {
            Some(MissingScheme::Insdc) => {
                for value in &mut values {
                    value.take_if(|v| INSDC_MISSING.contains(&v.as_str()));
                }
            }
            Some(MissingScheme::Never) => {
                if let Some(row) = values.iter().position(Option::is_none) {
                    return Err(DataError::new(format!(
                        "the value of `{}` is missing, but the column is declared `no-missing`",
                        ids[row]
                    ))
                    .at(at));
                }
            }
            Some(MissingScheme::Blank) | None => {}
        }
        let mut bad = ids
            .iter()
            .zip(&values)
            .filter_map(|(id, value)| Some((id, value.as_deref()?)))
            .filter(|(_, value)| number(value).is_none())
            .peekable();
        let kind = match self.kinds.get(name) {
            Some(ColumnKind::Numeric) if bad.peek().is_some() => {
                let listed: Vec<String> = bad
                    .take(5)
                    .map(|(id, value)| format!("{id}: {value}"))
                    .collect();
                return Err(DataError::new(format!(
                    "is declared numeric but holds text ({})",
                    listed.join(", ")
                ))
                .at(at)
                .help("mend the values, or declare the column categorical"));
            }
            Some(&kind) => kind,
            None if bad.peek().is_some() => ColumnKind::Categorical,
            None => ColumnKind::Numeric,
        };
        drop(bad);
        Ok(Column {
            name: name.to_owned(),
            kind,
            values,
        })
    }
}

/// Cells of `row`, as many as the header has.
fn fit((line, mut cells): Row, header: &[String]) -> Result<Vec<String>, DataError> {
    if cells.len() > header.len() && !is_empty(&cells[header.len()..]) {
        return Err(DataError::new(format!(
            "the row has {} cells, the header {}",
            cells.len(),
            header.len()
        ))
        .at(format!("line {line}")));
    }
    cells.resize(header.len(), String::new());
    Ok(cells)
}

fn is_empty(cells: &[String]) -> bool {
    cells.iter().all(String::is_empty)
}

fn is_directive(cells: &[String]) -> bool {
    cells[0].starts_with("#q2:")
}

fn is_comment(cells: &[String]) -> bool {
    cells[0].starts_with('#') && !is_directive(cells) && !is_id_header(&cells[0])
}

/// Without the whitespace around it, by Python's notion of whitespace.
fn strip(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let text =
            "id\ta\tb\n#q2:missing\tINSDC:missing\tno-missing\nx\tmissing\tmissing\ny\t2\t1\n";
        let metadata = read_text(text).unwrap();
        assert_eq!(metadata.columns()[0].kind, ColumnKind::Numeric);
        assert_eq!(metadata.columns()[0].values[0], None);
        assert_eq!(metadata.columns()[1].values[0].as_deref(), Some("missing"));
        let error = read_text(&text.replace("y\t2\t1", "y\t2")).unwrap_err();
        assert!(
            error.contains("column `b`: the value of `y` is missing"),
            "{error}"
        );
    }

    #[test]
    fn errors_name_the_line() {
        for (text, message) in [
            ("sample-id,age\ns1,4\n", "line 1: expected a header"),
            ("sample-id,age\ns1,4\n", "separated by tabs, not commas"),
            (
                "id\ta\nx\t1\n\nx\t2\n",
                "line 4: the id `x` occurs already in line 2",
            ),
            (
                "id\ta\nx\t1\t2\n",
                "line 2: the row has 3 cells, the header 2",
            ),
            ("id\ta\nx\t\"1\n", "line 2: a quoted cell does not end"),
            (
                "id\ta\n#q2:types\tnumeric\nx\tNA\n",
                "column `a`: is declared numeric but holds",
            ),
            (
                "id\ta\n#q2:types\tnumber\nx\t1\n",
                "line 2, column `a`: expected the type",
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
}
