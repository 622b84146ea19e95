//! Links that save a chart, as an image and as the values it shows. The files are in the page
//! itself, since it must work without a network and without scripts.

use aam_core::text::cell;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use maud::{Markup, html};

use crate::chart::{Chart, Theme, svg_without_marks};

/// The links of a chart; empty if it cannot be drawn.
pub fn links(chart: &impl Chart) -> Markup {
    let image = svg_without_marks(chart, &Theme::LIGHT);
    let name = file_name(&chart.title());
    html! {
        @if !image.is_empty() {
            p.save {
                (link(&format!("{name}.svg"), "image/svg+xml", &image, "SVG"))
                " "
                (link(&format!("{name}.tsv"), "text/tab-separated-values", &tsv(&chart.table()), "TSV"))
            }
        }
    }
}

fn link(file: &str, kind: &str, content: &str, text: &str) -> Markup {
    let content = BASE64_STANDARD.encode(content);
    html! {
        a download=(file) href={ "data:" (kind) ";charset=utf-8;base64," (content) } { (text) }
    }
}

fn tsv(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().map(|text| cell(text)).collect();
        cells.join("\t") + "\n"
    };
    rows.iter().map(line).collect()
}

/// A file name made of the letters and digits of a title.
fn file_name(title: &str) -> String {
    const MOST: usize = 60;
    let words = title.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(MOST).collect();
    match name.is_empty() {
        true => "chart".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Confusion;

    #[test]
    fn a_chart_is_saved_as_image_and_table() {
        let chart = Confusion {
            name: "site: a/b".to_owned(),
            classes: vec!["gut".to_owned(), "skin".to_owned()],
            counts: vec![vec![3, 1], vec![0, 2]],
        };
        let page = links(&chart).into_string();
        let table = "site: a/b\tpredicted gut\tpredicted skin\ngut\t3\t1\nskin\t0\t2\n";
        for part in [
            "download=\"confusion-matrix-of-site-a-b.tsv\"",
            "data:image/svg+xml;charset=utf-8;base64,PHN2Zy",
            &BASE64_STANDARD.encode(table),
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("http"), "{page}");
    }
}
