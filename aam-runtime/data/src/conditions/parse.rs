//! Parser of conditions.
//!
//! Conditions have the form `COLUMN = VALUE` and are joined by `and`. Names and values with blanks,
//! operators or commas must be quoted, with quotes inside doubled; `[…]` around a column, as in SQL,
//! is also accepted.

use std::borrow::Cow;

use super::{Condition, Order, Test};
use crate::DataError;
use crate::metadata::number;

/// Opening quotes with their closing quotes.
const QUOTES: [(char, char); 6] = [
    ('\'', '\''),
    ('"', '"'),
    ('`', '`'),
    ('‘', '’'),
    ('“', '”'),
    ('„', '“'),
];
/// Operators, longest first.
const SIGNS: [(&str, Sign); 12] = [
    ("==", Sign::Is),
    ("!=", Sign::Not),
    ("<>", Sign::Not),
    ("<=", Sign::Order(Order::AtMost)),
    (">=", Sign::Order(Order::AtLeast)),
    ("=", Sign::Is),
    ("<", Sign::Order(Order::Below)),
    (">", Sign::Order(Order::Above)),
    ("≠", Sign::Not),
    ("≤", Sign::Order(Order::AtMost)),
    ("≥", Sign::Order(Order::AtLeast)),
    ("＝", Sign::Is),
];
const IN_QUOTES: &str = "put names and values with blanks in quotes: \"body site\" = 'left palm'";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Is,
    Not,
    Order(Order),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(Sign, &'static str),
    Open,
    Close,
    Comma,
}

impl Token {
    /// Whether the token is this word, ignoring case.
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }

    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Quoted(text) => format!("'{text}'"),
            Self::Sign(_, sign) => format!("'{sign}'"),
            Self::Open => "'('".to_owned(),
            Self::Close => "')'".to_owned(),
            Self::Comma => "','".to_owned(),
        }
    }
}

/// Quotes `text` as needed to parse it again.
pub(super) fn quoted(text: &str) -> Cow<'_, str> {
    let plain = tokens(text).is_ok_and(|tokens| {
        matches!(tokens.as_slice(), [Token::Word(word)] if word == text)
            && !["and", "or", "in"].iter().any(|word| tokens[0].is(word))
    });
    match plain {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', "''"))),
    }
}

/// Parses conditions.
pub(super) fn conditions(text: &str) -> Result<Vec<Condition>, DataError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(DataError::new("there is no condition")
            .help("give one, such as mom_child=C, ph>=6 or site in (gut, skin)"));
    }
    let mut reader = Reader { tokens, at: 0 };
    let mut all = vec![reader.condition()?];
    while let Some(token) = reader.next() {
        if token.is("or") {
            return Err(
                DataError::new("conditions can only be joined by 'and', found 'or'")
                    .help("use 'in' to select several values of a column: site in (gut, skin)"),
            );
        }
        if !token.is("and") {
            let problem = format!("expected 'and' or the end, found {}", token.shown());
            return Err(DataError::new(problem).help(IN_QUOTES));
        }
        all.push(reader.condition()?);
    }
    Ok(all)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is_next = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads the next token as a name or value.
    fn text(&mut self, what: &str) -> Result<String, DataError> {
        match self.next() {
            Some(Token::Word(text) | Token::Quoted(text)) => Ok(text),
            other => Err(expected(what, other.as_ref())),
        }
    }

    fn condition(&mut self) -> Result<Condition, DataError> {
        let column = self.text("the name of a column")?;
        let test = match self.next() {
            Some(Token::Sign(Sign::Is, _)) => Test::In(vec![self.value("=")?]),
            Some(Token::Sign(Sign::Not, _)) => Test::Not(self.value("!=")?),
            Some(Token::Sign(Sign::Order(order), sign)) => {
                let text = self.value(sign)?;
                let number = number(&text).ok_or_else(|| {
                    DataError::new(format!("expected a number after '{sign}', found '{text}'"))
                        .help("select text values with =, != or in")
                })?;
                Test::Compare(order, number)
            }
            Some(word) if word.is("in") => Test::In(self.list()?),
            other => {
                let what = format!("one of =, !=, <, <=, >, >=, in after '{column}'");
                return Err(expected(&what, other.as_ref()));
            }
        };
        let column = column.trim().to_owned();
        Ok(Condition { column, test })
    }

    fn value(&mut self, sign: &str) -> Result<String, DataError> {
        self.text(&format!("a value after '{sign}'"))
    }

    /// Reads the values after `in`, with or without parentheses.
    fn list(&mut self) -> Result<Vec<String>, DataError> {
        let in_brackets = self.takes(&Token::Open);
        let mut values = vec![self.text("a value after 'in'")?];
        while self.takes(&Token::Comma) {
            values.push(self.text("a value after ','")?);
        }
        if in_brackets && !self.takes(&Token::Close) {
            let found = self.next();
            return Err(expected("',' or ')' after a value", found.as_ref()));
        }
        Ok(values)
    }
}

fn expected(what: &str, found: Option<&Token>) -> DataError {
    let found = found.map_or_else(|| "the end".to_owned(), Token::shown);
    DataError::new(format!("expected {what}, found {found}")).help(IN_QUOTES)
}

fn tokens(text: &str) -> Result<Vec<Token>, DataError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let lists = tokens.last().is_some_and(|token| token.is("in"));
        let in_list = in_list(&tokens);
        let quotes = QUOTES.iter().find(|(open, _)| *open == first);
        let bracket = (first == '[' && !lists).then_some(&('[', ']'));
        let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
        let (token, length) = if let Some((_, close)) = quotes.or(bracket) {
            let (text, length) = quoted_text(&rest[first.len_utf8()..], *close)?;
            (Token::Quoted(text), first.len_utf8() + length)
        } else if let Some((text, sign)) = sign {
            (Token::Sign(*sign, text), text.len())
        } else if lists && matches!(first, '(' | '[') {
            (Token::Open, 1)
        } else if in_list && matches!(first, ')' | ']') {
            (Token::Close, 1)
        } else if first == ',' {
            (Token::Comma, 1)
        } else {
            let word = word(rest, in_list);
            (Token::Word(word.to_owned()), word.len())
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Whether a parenthesised list is open.
fn in_list(tokens: &[Token]) -> bool {
    let last = tokens
        .iter()
        .rev()
        .find(|token| matches!(token, Token::Open | Token::Close));
    last == Some(&Token::Open)
}

/// The text up to the closing quote, and its length including the quote.
fn quoted_text(text: &str, close: char) -> Result<(String, usize), DataError> {
    let mut inner = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == close && letters.next_if(|(_, next)| *next == close).is_none() {
            return Ok((inner, at + letter.len_utf8()));
        }
        inner.push(letter);
    }
    Err(DataError::new(format!(
        "the quote before '{}' does not end",
        crate::shorten(text)
    ))
    .help(format!("close it with {close}")))
}

/// The word at the beginning of `text`. Parentheses and quotes inside it are part of it, as in
/// `age(years)` and `crohn's`.
fn word(text: &str, in_list: bool) -> &str {
    let end = text.char_indices().find(|&(at, letter)| {
        letter.is_whitespace()
            || letter == ','
            || SIGNS.iter().any(|(sign, _)| text[at..].starts_with(sign))
            || in_list && matches!(letter, ')' | ']')
            || matches!(letter, '(' | '[') && text[..at].eq_ignore_ascii_case("in")
    });
    let end = end.map_or(text.len(), |(at, _)| at);
    // An incomplete operator, such as a lone `!`, must not stall the parser.
    match end {
        0 => &text[..text.chars().next().map_or(0, char::len_utf8)],
        end => &text[..end],
    }
}
