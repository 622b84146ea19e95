//! Topics of `aam help`: the pages of the documentation, as plain text.
//!
//! The program contains the pages themselves. `topics/` links to those in `docs/`, so that each has one
//! source, and a package of this crate holds them.

mod page;
mod plain;

use aam_api::error::nearest;

use crate::failure::Failure;
use page::Page;

/// Columns where the width of the terminal is not known.
pub const USUAL_WIDTH: usize = 80;
/// Maximum columns of running text.
const WIDEST: usize = 100;

/// Something that `aam help` explains.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// Its name.
    pub name: &'static str,
    /// What it covers, in one line.
    pub about: &'static str,
    page: &'static str,
    /// The sections of the page that it consists of; without any, it is the whole page.
    sections: &'static [&'static str],
}

/// A topic that is a whole page of the documentation.
macro_rules! page {
    ($name:literal, $page:literal, $about:literal) => {
        page!($name, $page, $about, &[])
    };
    ($name:literal, $page:literal, $about:literal, $sections:expr) => {
        Topic {
            name: $name,
            about: $about,
            page: include_str!(concat!("../../topics/", $page, ".md")),
            sections: $sections,
        }
    };
}

/// All topics.
pub const TOPICS: [Topic; 17] = [
    page!("tutorial", "tutorial", "a study from its files to a report"),
    page!("files", "files", "formats of what is read and written"),
    page!(
        "targets",
        "cli",
        "scales, losses and outputs of what is predicted",
        &[
            "The scale of a target",
            "A loss for each target, weights for categories",
            "What becomes of the output"
        ]
    ),
    page!(
        "categories",
        "cli",
        "metadata columns that help to predict",
        &["Categories"]
    ),
    page!(
        "components",
        "cli",
        "heads, losses, fusions and other kinds",
        &["Choosing components"]
    ),
    page!(
        "comparing",
        "components",
        "components compared on the same folds"
    ),
    page!(
        "evaluation",
        "evaluation",
        "what is held out, folds, metrics, intervals"
    ),
    page!("explaining", "explaining", "which ASVs drive predictions"),
    page!(
        "exporting",
        "exporting",
        "a trained model as ONNX, for other programs"
    ),
    page!(
        "encoder",
        "encoder",
        "the encoder of ASVs that comes with aam"
    ),
    page!(
        "tuning",
        "tuning",
        "learning rates, settings, batches that fit"
    ),
    page!(
        "optimisation",
        "optimisation",
        "optimizers, schedules, adapters, precision"
    ),
    page!(
        "watching",
        "watching",
        "progress, reports, TensorBoard, lists of runs"
    ),
    page!("resume", "stop-and-resume", "stopping and resuming a run"),
    page!("devices", "devices", "CPUs and GPUs"),
    page!(
        "ranks",
        "scaling",
        "training on several devices or machines"
    ),
    page!(
        "configuration",
        "cli",
        "settings in a file",
        &["Configuration files"]
    ),
];

impl Topic {
    /// The topic called `name`.
    pub fn named(name: &str) -> Option<Self> {
        TOPICS.into_iter().find(|topic| topic.name == name)
    }

    /// The topic as plain text of up to `width` columns: its introduction and the names of its sections,
    /// or those sections whose titles contain `wanted`.
    ///
    /// # Errors
    /// No title contains `wanted`.
    pub fn text(&self, wanted: Option<&str>, width: usize) -> Result<String, Failure> {
        let page = Page::read(self.page);
        let width = width.clamp(40, WIDEST);
        let chosen: Vec<_> = match (wanted, self.sections) {
            (None, []) => return Ok(self.introduction(&page, width)),
            (None, names) => {
                let names = names.iter();
                let named =
                    names.filter_map(|name| page.sections.iter().find(|s| s.title == *name));
                named.collect()
            }
            (Some(wanted), _) => page.about(wanted),
        };
        if chosen.is_empty() {
            return Err(self.unknown(&page, wanted.unwrap_or_default()));
        }
        let texts = chosen.into_iter().map(|section| {
            let title = plain::inline(section.title);
            format!("{title}\n\n{}", plain::text(section.body, width))
        });
        Ok(texts.collect::<Vec<_>>().join("\n"))
    }

    fn introduction(&self, page: &Page<'_>, width: usize) -> String {
        let mut text = format!("{}\n\n", plain::inline(page.title));
        text.push_str(&plain::text(page.introduction, width));
        let titles: Vec<String> = page.titles().map(plain::inline).collect();
        text.push_str("\nSections:\n");
        for title in titles {
            text.push_str(&format!("  {title}\n"));
        }
        let first = page.titles().next().map(plain::inline).unwrap_or_default();
        let word = first.split_whitespace().last().unwrap_or_default();
        text + &format!(
            "\n`aam help {} WORD` prints those with this word in their title,\nfor example `aam help {} {}`.\n",
            self.name,
            self.name,
            word.to_lowercase()
        )
    }

    fn unknown(&self, page: &Page<'_>, wanted: &str) -> Failure {
        let titles: Vec<String> = page
            .sections
            .iter()
            .map(|s| plain::inline(s.title))
            .collect();
        let words = titles.iter().flat_map(|title| title.split_whitespace());
        let hint = nearest(wanted, words).map(|near| format!(" (did you mean '{near}'?)"));
        Failure::usage(format!(
            "no section of '{}' has '{wanted}' in its title{}",
            self.name,
            hint.unwrap_or_default()
        ))
        .help(format!("`aam help {}` lists its sections", self.name))
    }
}

/// The list of topics, one a line.
pub fn list() -> String {
    let width = TOPICS
        .iter()
        .map(|topic| topic.name.len())
        .max()
        .unwrap_or(0);
    let lines = TOPICS.iter();
    let lines = lines.map(|topic| format!("  {:width$}  {}\n", topic.name, topic.about));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_has_a_text() {
        for topic in TOPICS {
            assert!(
                topic.page.starts_with("# "),
                "{}: {}",
                topic.name,
                topic.page
            );
            let text = topic.text(None, 80).unwrap();
            assert!(text.lines().count() > 4, "{}: {text}", topic.name);
            for name in topic.sections {
                let page = Page::read(topic.page);
                assert!(page.sections.iter().any(|s| s.title == *name), "{name}");
            }
            let rest = text.replace("](", "").len();
            assert_eq!(rest, text.len(), "{}: a link is left: {text}", topic.name);
        }
    }

    #[test]
    fn a_word_selects_sections() {
        let files = Topic::named("files").unwrap();
        let text = files.text(Some("metadata"), 80).unwrap();
        assert!(text.starts_with("Sample metadata\n\n"), "{text}");
        let failure = files.text(Some("metadta"), 80).unwrap_err();
        assert!(
            failure.text().contains("(did you mean 'metadata'?)"),
            "{failure:?}"
        );
        assert!(Topic::named("nothing").is_none());
    }
}
