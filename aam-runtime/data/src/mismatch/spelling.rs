//! Differences in the spelling of ids between two lists.

use std::collections::{HashMap, HashSet};
use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::shorten;

/// Maximum number of ids of one list that are compared.
const MOST_COMPARED: usize = 2000;
/// Maximum number of ids of the other list that they are compared with.
const MOST_KNOWN: usize = 200_000;
/// Longest id that is compared; longer ones are not names.
const LONGEST: usize = 400;

/// A reason why ids differ, with the ids that would otherwise be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    why: String,
    /// An example pair.
    example: (String, String),
    /// Number of such pairs.
    pub pairs: usize,
    mend: &'static str,
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = &self.example;
        let shown = |id: &str| shorten(id);
        write!(f, "{}: '{}' and '{}'", self.why, shown(ours), shown(theirs))?;
        if self.pairs > 1 {
            write!(f, " ({} such pairs)", self.pairs)?;
        }
        write!(f, "; {}", self.mend)
    }
}

/// A normal form of an id in which a certain difference disappears.
struct Spelling {
    why: &'static str,
    mend: &'static str,
    /// Returns an empty string if it does not apply.
    form: fn(&str) -> String,
}

const RENAME: &str = "rename them in one of the files";

const SPELLINGS: [Spelling; 9] = [
    Spelling {
        why: "they differ in quotes",
        mend: "write the file without quotes (in R `quote = FALSE`)",
        form: |id| id.trim_matches(['"', '\'', '`']).to_owned(),
    },
    Spelling {
        why: "they differ in characters that cannot be seen",
        mend: "retype the ids, or remove such characters in one of the files",
        form: visible,
    },
    Spelling {
        why: "they differ in the Unicode form of letters with accents (NFC and NFD)",
        mend: "write both in one form, for example in Python with \
               `unicodedata.normalize(\"NFC\", text)`",
        form: |id| id.nfc().collect(),
    },
    Spelling {
        why: "they differ in upper and lower case",
        mend: RENAME,
        form: str::to_lowercase,
    },
    Spelling {
        why: "a program may have read the ids of one file as numbers and written them differently",
        mend: "format the column of ids as text before saving, as zeros are lost otherwise",
        form: number,
    },
    Spelling {
        why: "one of the files has cluster sizes in its labels",
        mend: "remove them: `sed 's/;size=[0-9]*;*//' FILE`",
        form: |id| without_size(id).to_owned(),
    },
    Spelling {
        why: "they differ in punctuation",
        mend: "R writes '.' for other characters unless `check.names = FALSE`; rename the ids in \
               one of the files",
        form: letters_and_digits,
    },
    Spelling {
        why: "R puts 'X' before names that begin with a digit, and '.' for what it does not take for a \
              letter",
        mend: "read the file with `check.names = FALSE` in R, or rename the ids in one of the \
               files",
        form: |id| letters_and_digits(without_x(id)),
    },
    Spelling {
        why: "they are reverse complements of each other",
        mend: "reverse-complement the sequences of one of the files, for example with `seqkit seq -rp`",
        form: smaller_strand,
    },
];

/// A guess at why `ours` are not among `theirs`, if there is one.
pub fn guess<'a>(
    ours: impl Iterator<Item = &'a str>,
    theirs: impl Iterator<Item = &'a str>,
) -> Option<Guess> {
    let ours: Vec<&str> = ours
        .filter(|id| id.len() <= LONGEST)
        .take(MOST_COMPARED)
        .collect();
    let theirs = theirs.filter(|id| id.len() <= LONGEST && !id.is_empty());
    let theirs: Vec<&str> = theirs.take(MOST_KNOWN).collect();
    let spelt = SPELLINGS
        .iter()
        .find_map(|spelling| alike(&ours, &theirs, spelling));
    spelt
        .or_else(|| added(&ours, &theirs))
        .or_else(|| added(&theirs, &ours))
}

/// The ids that are equal in another spelling.
fn alike(ours: &[&str], theirs: &[&str], spelling: &Spelling) -> Option<Guess> {
    let forms: HashMap<String, &str> = theirs
        .iter()
        .map(|id| ((spelling.form)(id), *id))
        .filter(|(form, _)| !form.is_empty())
        .collect();
    let mut pairs = ours
        .iter()
        .filter_map(|id| Some((*id, *forms.get(&(spelling.form)(id))?)))
        .filter(|(ours, theirs)| ours != theirs);
    let (first, second) = pairs.next()?;
    Some(Guess {
        why: spelling.why.to_owned(),
        example: (first.to_owned(), second.to_owned()),
        pairs: 1 + pairs.count(),
        mend: spelling.mend,
    })
}

type Two<'a> = (&'a str, &'a str);

/// What the ids of one list have before or after those of the other.
fn added(longer: &[&str], shorter: &[&str]) -> Option<Guess> {
    let known: HashSet<&str> = shorter
        .iter()
        .copied()
        .filter(|id| !id.is_empty())
        .collect();
    // How often each affix was added, with an example pair of ids.
    let mut found: HashMap<Two<'_>, (usize, Two<'_>)> = HashMap::new();
    let mut pairs = 0;
    for &long in longer.iter().take(MOST_COMPARED) {
        // The longest of the other list's ids that it begins or ends with.
        let mut cuts = (1..long.len()).filter(|&at| long.is_char_boundary(at));
        let start = cuts.clone().rfind(|&at| known.contains(&long[..at]));
        let end = cuts.find(|&at| known.contains(&long[at..]));
        let (what, extra, short) = match (start, end) {
            (Some(at), _) => ("suffix", &long[at..], &long[..at]),
            (None, Some(at)) => ("prefix", &long[..at], &long[at..]),
            (None, None) => continue,
        };
        pairs += 1;
        found.entry((what, extra)).or_insert((0, (long, short))).0 += 1;
    }
    let ((what, extra), (times, (long, short))) = found
        .into_iter()
        .max_by(|(a, (m, _)), (b, (n, _))| m.cmp(n).then_with(|| b.cmp(a)))?;
    Some(Guess {
        why: match 2 * times > pairs {
            true => format!(
                "one of the files may have added the {what} '{}'",
                shorten(extra)
            ),
            false => format!("one of the files may have added a {what} to each id"),
        },
        example: (long.to_owned(), short.to_owned()),
        pairs,
        mend: "remove it in one of the files",
    })
}

/// Removes invisible characters and replaces special blanks by plain ones.
fn visible(id: &str) -> String {
    let seen = id.chars().filter(|&c| {
        let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{feff}');
        !(invisible || c.is_control() && !c.is_whitespace())
    });
    let plain: String = seen
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    plain.trim().to_owned()
}

/// The number in `id` in a normal form that is independent of its spelling.
fn number(id: &str) -> String {
    match id.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => String::new(),
    }
}

/// A label without the cluster size, `;size=12;`, that USEARCH and VSEARCH add.
pub(crate) fn without_size(id: &str) -> &str {
    match id.find(";size=") {
        Some(at)
            if id[at + 6..]
                .trim_end_matches(';')
                .bytes()
                .all(|b| b.is_ascii_digit()) =>
        {
            &id[..at]
        }
        _ => id.trim_end_matches(';'),
    }
}

fn without_x(id: &str) -> &str {
    match id.strip_prefix('X') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') => rest,
        _ => id,
    }
}

fn letters_and_digits(id: &str) -> String {
    let kept = id.chars().filter(|c| c.is_alphanumeric());
    kept.collect::<String>().to_lowercase()
}

/// The lexicographically smaller of a sequence and its reverse complement.
fn smaller_strand(id: &str) -> String {
    if !super::is_sequence(id) {
        return String::new();
    }
    let forward = id.to_ascii_uppercase().replace('U', "T");
    let complement = forward.chars().rev().map(|c| match c {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        'T' => 'A',
        other => other,
    });
    let reverse: String = complement.collect();
    forward.min(reverse)
}
