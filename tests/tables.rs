//! Tables and lists written by the program.

use crate::Aam;

/// The cells of the column `name`, each with the first cell of its line, which is an id or an
/// epoch; lines that begin with `#` are skipped.
#[track_caller]
pub fn cells<'a>(text: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let header = lines.next().unwrap_or_default();
    let place = header.split('\t').position(|cell| cell == name);
    let place = place.unwrap_or_else(|| panic!("no column {name} in {header}"));
    let cell = |line: &'a str| {
        let mut cells = line.split('\t');
        let first = cells.clone().next()?;
        Some((first, cells.nth(place)?))
    };
    lines
        .map(|line| cell(line).unwrap_or_else(|| panic!("no {name} in {line}")))
        .collect()
}

impl Aam {
    /// The numbers of a column of a file in the folder.
    #[track_caller]
    pub fn column(&self, file: &str, name: &str) -> Vec<f64> {
        let text = self.read(file);
        let numbers = cells(&text, name).into_iter();
        numbers.map(|(_, cell)| number(name, cell)).collect()
    }

    /// The metric `name` after the last epoch of a run.
    #[track_caller]
    pub fn last(&self, run: &str, name: &str) -> f64 {
        let text = self.read(&format!("{run}/metrics.tsv"));
        let last = cells(&text, name).pop();
        number(name, last.expect("an epoch").1)
    }

    /// Names of the linked components of a kind.
    pub fn components(&self, kind: &str) -> Vec<String> {
        let list = self.ok("plugins list --json").stdout;
        let list: Vec<serde_json::Value> = serde_json::from_str(&list).expect("JSON");
        let of_kind = list.iter().filter(|plugin| plugin["kind"] == kind);
        of_kind
            .map(|plugin| plugin["name"].as_str().expect("a name").to_owned())
            .collect()
    }
}

#[track_caller]
fn number(name: &str, cell: &str) -> f64 {
    cell.parse()
        .unwrap_or_else(|_| panic!("{name}: expected a number, found `{cell}`"))
}
