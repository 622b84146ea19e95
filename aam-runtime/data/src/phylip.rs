//! Distances in the format of PHYLIP and mothur: the number of samples, then one line per sample
//! with its name and its distances to all samples or to the preceding ones.

use super::source::Source;
use super::{DataError, DistanceFile, shorten};
use aam_core::text::counted;

/// Whether `lines`, the first of a text, are the beginning of such a file.
pub fn begins(lines: &[&str]) -> bool {
    let [first, second, ..] = lines else {
        return false;
    };
    let Ok(samples) = first.trim().parse::<usize>() else {
        return false;
    };
    let cells: Vec<&str> = second.split_whitespace().collect();
    let numbers = cells
        .iter()
        .rev()
        .take_while(|c| c.parse::<f64>().is_ok())
        .count();
    samples > 1 && (cells.len() == 1 || numbers >= samples && cells.len() > samples)
}

/// Reads a square matrix or a lower triangle.
pub fn read(source: &Source) -> Result<DistanceFile, DataError> {
    let mut samples = 0;
    let mut ids: Vec<String> = Vec::new();
    let mut values: Vec<Vec<f64>> = Vec::new();
    source.lines(|_, line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        if cells.is_empty() {
            return Ok(());
        }
        if samples == 0 {
            samples = line.trim().parse().unwrap_or(0);
            return Ok(());
        }
        let row = ids.len();
        let square = values.first().is_some_and(|first| !first.is_empty());
        let wanted = match (row, cells.len()) {
            (0, 1) => 0,
            (0, _) => samples,
            _ if square => samples,
            _ => row,
        };
        if row == samples || cells.len() <= wanted {
            return Err(DataError::new(match row == samples {
                true => format!("more rows than the {samples} of the first line"),
                false => format!(
                    "expected a name and {}, found {}",
                    counted(wanted, "distance"),
                    counted(cells.len(), "cell")
                ),
            }));
        }
        let (name, distances) = cells.split_at(cells.len() - wanted);
        let distances: Vec<f64> = distances
            .iter()
            .map(|cell| {
                cell.parse().map_err(|_| {
                    DataError::new(format!(
                        "expected a distance of '{}', found '{}'",
                        shorten(&name.join(" ")),
                        shorten(cell)
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        ids.push(name.join(" "));
        values.push(distances);
        Ok(())
    })?;
    if ids.len() != samples {
        return Err(source
            .error(format!(
                "holds {}, but its first line says {samples}",
                counted(ids.len(), "row")
            ))
            .help("the file may be cut short: write it again"));
    }
    let square = values.first().is_some_and(|first| !first.is_empty());
    let full = match square {
        true => values.concat(),
        false => {
            let at = |i: usize, j: usize| match i.cmp(&j) {
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Greater => values[i][j],
                std::cmp::Ordering::Less => values[j][i],
            };
            (0..samples)
                .flat_map(|i| (0..samples).map(move |j| (i, j)))
                .map(|(i, j)| at(i, j))
                .collect()
        }
    };
    DistanceFile::new(source, Some(ids), &[samples as u64; 2], full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read_text(text: &str) -> Result<Vec<f64>, String> {
        let source = Source::from_bytes(Path::new("p"), None, text.as_bytes().to_vec()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(begins(&lines), "{text}");
        let file = read(&source).map_err(|e| e.to_string())?;
        assert_eq!(file.ids().unwrap()[1], "b c");
        Ok(file.into_matrix().unwrap().values().to_vec())
    }

    #[test]
    fn squares_and_triangles_agree() {
        let expected = [0.0, 0.5, 0.25, 0.5, 0.0, 1.0, 0.25, 1.0, 0.0];
        for text in [
            "3\na\nb c\t0.5\nd\t0.25\t1\n",
            " 3\na 0 0.5 0.25\nb c 0.5 0 1\nd 0.25 1 0\n",
        ] {
            assert_eq!(read_text(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn missing_and_surplus_rows_are_reported() {
        for (text, message) in [
            (
                "3\na\nb c\t0.5\n",
                "holds 2 rows, but its first line says 3",
            ),
            (
                "3\na\nb c\t0.5\nd\t1\n",
                "line 4: expected a name and 2 distances",
            ),
            ("2\na\nb c\t0.5\nd\t1\t1\n", "line 4: more rows than the 2"),
            ("2\na\nb c\tx\n", "expected a distance of 'b c', found 'x'"),
        ] {
            let error = read_text(text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
