//! Links that save a chart, as an image and as the values it shows. The files are in the page
//! itself, since it must work without a network and without scripts.

use aam_core::text::cell;
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
    let content = base64(content.as_bytes());
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

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place > three.len() {
                '='
            } else {
                letter.into()
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Confusion;

    #[test]
    fn known_encodings() {
        let encoded =
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(
            encoded,
            [
                "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"
            ]
        );
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

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
            &base64(table.as_bytes()),
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("http"), "{page}");
    }
}
