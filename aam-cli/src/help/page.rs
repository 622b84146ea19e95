//! The parts of a page of the documentation.

/// A page.
pub(super) struct Page<'a> {
    /// Its title.
    pub(super) title: &'a str,
    /// The text before the first section.
    pub(super) introduction: &'a str,
    /// Its sections in order, with those inside others.
    pub(super) sections: Vec<Section<'a>>,
}

/// A section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    /// 2 for a section of the page, 3 for one inside it, and so on.
    level: usize,
    /// Its title.
    pub(super) title: &'a str,
    /// Its text, with the sections inside it.
    pub(super) body: &'a str,
}

/// A heading: its level, its title, and where its line and its text begin.
struct Heading<'a> {
    level: usize,
    title: &'a str,
    line: usize,
    text: usize,
}

impl<'a> Page<'a> {
    /// Reads a page in Markdown.
    pub(super) fn read(text: &'a str) -> Self {
        let headings = headings(text);
        let (title, start) = match headings.first() {
            Some(first) if first.level == 1 => (first.title, first.text),
            _ => ("", 0),
        };
        let below: Vec<&Heading<'_>> = headings.iter().filter(|one| one.level > 1).collect();
        let end = below.first().map_or(text.len(), |first| first.line);
        let sections = below.iter().enumerate().map(|(place, heading)| {
            let mut after = below[place + 1..].iter();
            let next = after.find(|next| next.level <= heading.level);
            Section {
                level: heading.level,
                title: heading.title,
                body: &text[heading.text..next.map_or(text.len(), |next| next.line)],
            }
        });
        Self {
            title,
            introduction: &text[start..end],
            sections: sections.collect(),
        }
    }

    /// The titles of sections and of those one level below.
    pub(super) fn titles(&self) -> impl Iterator<Item = &'a str> + '_ {
        let shown = self.sections.iter().filter(|section| section.level <= 3);
        shown.map(|section| section.title)
    }

    /// The sections with `word` in their title, without those inside one of them.
    pub(super) fn about(&self, word: &str) -> Vec<&Section<'a>> {
        let word = word.to_lowercase();
        let mut chosen: Vec<&Section<'a>> = Vec::new();
        let mut inside: Option<usize> = None;
        for section in &self.sections {
            if inside.is_some_and(|level| section.level > level) {
                continue;
            }
            let fits = section.title.to_lowercase().contains(&word);
            inside = fits.then_some(section.level);
            chosen.extend(fits.then_some(section));
        }
        chosen
    }
}

fn headings(text: &str) -> Vec<Heading<'_>> {
    let mut found = Vec::new();
    let (mut at, mut in_code) = (0, false);
    for line in text.split_inclusive('\n') {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if level > 0 && !in_code && line[level..].starts_with(' ') {
            found.push(Heading {
                level,
                title: line[level..].trim(),
                line: at,
                text: at + line.len(),
            });
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Title\n\nIntro.\n\n```sh\n# no heading\n```\n\n## One\n\na\n\n### Inner one\n\nb\n\n## Two\n\nc\n";

    #[test]
    fn a_page_has_sections() {
        let page = Page::read(PAGE);
        assert_eq!(page.title, "Title");
        assert!(page.introduction.contains("Intro.") && page.introduction.contains("no heading"));
        let titles: Vec<&str> = page.titles().collect();
        assert_eq!(titles, ["One", "Inner one", "Two"]);
        let bodies: Vec<&str> = page.sections.iter().map(|one| one.body.trim()).collect();
        assert_eq!(bodies, ["a\n\n### Inner one\n\nb", "b", "c"]);
        let about = |word: &str| -> Vec<&str> {
            page.about(word)
                .iter()
                .map(|section| section.title)
                .collect()
        };
        assert_eq!(about("one"), ["One"]);
        assert_eq!(about("inner"), ["Inner one"]);
        assert_eq!(about("three"), [""; 0]);
    }
}
