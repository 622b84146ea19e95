//! Lists as text.

/// Splits a list at its commas, except those in square brackets: `forest,kernel:widths=[1,4]` has two
/// items.
pub fn split_list(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (place, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                items.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    match depth {
        0 => items,
        // Not brackets around lists.
        _ => text.split(',').collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_brackets_do_not_separate() {
        let cases: [(&str, &[&str]); 5] = [
            ("a,b", &["a", "b"]),
            (
                "forest,kernel:widths=[1,4],linear",
                &["forest", "kernel:widths=[1,4]", "linear"],
            ),
            ("pH [mg,l", &["pH [mg", "l"]),
            ("a],b[", &["a]", "b["]),
            ("", &[""]),
        ];
        for (text, items) in cases {
            assert_eq!(split_list(text), items);
        }
    }
}
