//! The table of `aam runs`, which fits any width.

use std::borrow::Cow;

use aam_runtime::text::visible_line;

/// Columns between two cells.
const GAP: usize = 2;
/// Minimum columns for settings next to the other cells; with fewer, they follow on lines of their own.
const LEAST_BESIDE: usize = 30;
/// Minimum columns for the name of a run.
const SHORTEST_NAME: usize = 12;
/// Indentation of settings on lines of their own.
const INDENT: usize = 4;

/// A column of the table.
struct Column {
    title: &'static str,
    /// Columns with larger numbers are left out first where there is no room; those with 0 stay.
    dispensable: u8,
}

const COLUMNS: [Column; 9] = [
    column("run", 0),
    column("command", 0),
    column("target", 2),
    column("outcome", 0),
    column("samples", 3),
    column("data", 6),
    column("epochs", 5),
    column("time", 4),
    column("metric", 0),
];
/// The title of the settings.
const SETTINGS: &str = "settings that differ";

const fn column(title: &'static str, dispensable: u8) -> Column {
    Column { title, dispensable }
}

/// A run of the table.
pub(super) struct Row {
    /// A cell for each column.
    pub(super) cells: [String; 9],
    /// What it found or its settings that differ, the most informative first.
    pub(super) settings: Vec<String>,
}

/// The table in at most `width` columns, if that is known; otherwise every run is a single line.
pub(super) fn table(rows: &[Row], width: Option<usize>) -> String {
    let header = COLUMNS.map(|column| column.title.to_owned());
    let all: Vec<[Cow<'_, str>; 9]> = [&header]
        .into_iter()
        .chain(rows.iter().map(|row| &row.cells))
        .map(|cells| cells.each_ref().map(|cell| visible_line(cell)))
        .collect();
    let mut widths: [usize; 9] = std::array::from_fn(|column| {
        let lengths = all.iter().map(|cells| cells[column].chars().count());
        lengths.max().unwrap_or(0)
    });
    let shown = chosen(&mut widths, width);
    let taken: usize = shown.iter().map(|&column| widths[column] + GAP).sum();
    let room = width.map(|width| width.saturating_sub(taken));
    let has_settings = rows.iter().any(|row| !row.settings.is_empty());
    let beside = room.is_none_or(|room| room >= LEAST_BESIDE);
    let titles = vec![SETTINGS.to_owned()];
    let none = Vec::new();
    let settings = [if has_settings && beside {
        &titles
    } else {
        &none
    }]
    .into_iter()
    .chain(rows.iter().map(|row| &row.settings));
    let mut text = String::new();
    for (cells, settings) in all.iter().zip(settings) {
        let line = shown
            .iter()
            .map(|&column| padded(&cells[column], widths[column]));
        let line = line.collect::<Vec<_>>().join("  ");
        let mut parts = wrapped(
            settings,
            room.filter(|_| beside).or(width.map(|w| w - w.min(INDENT))),
        );
        let first = match beside && !parts.is_empty() {
            true => format!("{line}  {}", parts.remove(0)),
            false => line,
        };
        text.push_str(first.trim_end());
        text.push('\n');
        let indent = if beside { taken } else { INDENT };
        for part in parts {
            text.push_str(&format!("{:indent$}{part}\n", ""));
        }
    }
    text
}

/// The columns that fit, of which the name of the run may become narrower.
fn chosen(widths: &mut [usize; 9], width: Option<usize>) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..COLUMNS.len()).collect();
    let Some(width) = width else {
        return shown;
    };
    let taken = |shown: &[usize], widths: &[usize; 9]| -> usize {
        let all: usize = shown.iter().map(|&column| widths[column] + GAP).sum();
        all.saturating_sub(GAP)
    };
    while taken(&shown, widths) > width {
        let least = shown.iter().copied();
        let least = least.filter(|&column| COLUMNS[column].dispensable > 0);
        match least.max_by_key(|&column| COLUMNS[column].dispensable) {
            Some(column) => shown.retain(|&other| other != column),
            None => break,
        }
    }
    let over = taken(&shown, widths).saturating_sub(width);
    widths[0] = widths[0]
        .saturating_sub(over)
        .max(SHORTEST_NAME.min(widths[0]));
    shown
}

/// A cell of this width; of a longer name, the end is shown.
fn padded(cell: &str, width: usize) -> String {
    let length = cell.chars().count();
    match length > width {
        true => format!(
            "…{}",
            cell.chars().skip(length + 1 - width).collect::<String>()
        ),
        false => format!("{cell:width$}"),
    }
}

/// Items in lines of at most `width` columns; a longer item is cut off.
fn wrapped(items: &[String], width: Option<usize>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        let item = visible_line(item);
        let cut = match width {
            Some(width) if item.chars().count() > width && width > 0 => {
                let start: String = item.chars().take(width - 1).collect();
                format!("{start}…")
            }
            _ => item.into_owned(),
        };
        let length = cut.chars().count();
        match lines.last_mut() {
            Some(line) if width.is_none_or(|most| line.chars().count() + 1 + length <= most) => {
                line.push(' ');
                line.push_str(&cut);
            }
            _ => lines.push(cut),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let cells = |name: &str| {
            let others = ["train", "ph", "finished", "32+8", "0123abcd", "12", "3.1 s"];
            let mut cells = vec![name.to_owned()];
            cells.extend(others.map(str::to_owned));
            cells.push("r2 0.812 (0.700 to 0.900)".to_owned());
            cells.try_into().unwrap()
        };
        let settings = ["lr=0.003", "head=mlp", "head.hidden=64,32", "seed=1"].map(str::to_owned);
        vec![
            Row {
                cells: cells("results/of/a/long/name/first"),
                settings: settings.to_vec(),
            },
            Row {
                cells: cells("second"),
                settings: Vec::new(),
            },
        ]
    }

    #[test]
    fn a_table_fits_its_width() {
        for width in [40, 60, 80, 100, 120, 150, 200] {
            let text = table(&rows(), Some(width));
            let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
            // The cells that always stay are wider than the narrowest terminals.
            assert!(longest <= width.max(72), "{width}: {longest}\n{text}");
            for word in ["lr=0.003", "seed=1", "finished", "r2 0.812"] {
                assert!(text.contains(word), "{width}: no {word}\n{text}");
            }
        }
        let narrow = table(&rows(), Some(80));
        assert!(
            !narrow.contains("0123abcd") && narrow.contains("\n    lr=0.003"),
            "{narrow}"
        );
        let wide = table(&rows(), Some(200));
        assert!(
            wide.contains("0123abcd") && wide.lines().count() == 3,
            "{wide}"
        );
    }

    #[test]
    fn without_a_known_width_each_run_is_one_line() {
        let text = table(&rows(), None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].ends_with(SETTINGS), "{text}");
        assert!(
            lines[1].ends_with("lr=0.003 head=mlp head.hidden=64,32 seed=1"),
            "{text}"
        );
    }
}
