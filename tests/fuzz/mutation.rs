//! Mutation of valid inputs.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Fragments that often cause trouble in parsers.
const WORDS: [&[u8]; 40] = [
    b"\t",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"",
    b"'",
    b",",
    b";",
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b":",
    b"#",
    b">",
    b"0",
    b"-1",
    b"1e308",
    b"1e-320",
    b"NaN",
    b"inf",
    b"null",
    b"true",
    b"\\u0000",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"18446744073709551615",
    b"-9223372036854775808",
    b"99999999999999999999999999",
    b"sample-id",
    b"#q2:types",
    b"[&R]",
    b"\xe2\x80\x8b",
    b"ACGT",
];
/// Maximum number of bytes of an input.
const LONGEST: usize = 1 << 16;

/// Derives inputs from valid ones, reproducibly for a given seed.
pub struct Mutator {
    random: StdRng,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    /// Creates a mutator of `seeds`, which must not be empty.
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        assert!(!seeds.is_empty());
        Self {
            random: StdRng::seed_from_u64(seed),
            seeds,
        }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let seed = self.random.random_range(0..self.seeds.len());
        let mut bytes = self.seeds[seed].clone();
        for _ in 0..self.random.random_range(1..=6) {
            self.change(&mut bytes);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    /// A number below `end`, biased towards small ones because the structure of a file is at its
    /// beginning.
    fn place(&mut self, end: usize) -> usize {
        let end = match self.random.random_range(0..3) {
            0 => end.min(256),
            1 => end.min(4096),
            _ => end,
        };
        self.random.random_range(0..end.max(1))
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes.len() + 1).min(bytes.len());
        let length = self.random.random_range(1..=16).min(bytes.len() - at);
        match self.random.random_range(0..9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = self.random.random(),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..at + length)),
            4 => self.insert_word(bytes, at),
            5 => {
                let piece = bytes[at..at + length].to_vec();
                let times = self.random.random_range(1..=64);
                bytes.splice(at..at, piece.repeat(times));
            }
            6 => {
                // A piece of another input, or of the same one.
                let other = self.random.random_range(0..self.seeds.len());
                let from = self.random.random_range(0..=self.seeds[other].len());
                let stretch = &self.seeds[other][from..];
                let stretch = stretch[..stretch.len().min(200)].to_vec();
                bytes.splice(at..at + length, stretch);
            }
            7 => self.change_number(bytes, at),
            _ => {
                let word = WORDS[self.random.random_range(0..WORDS.len())];
                bytes.splice(at..at + length, word.iter().copied());
            }
        }
    }

    fn insert_word(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let word = WORDS[self.random.random_range(0..WORDS.len())];
        bytes.splice(at..at, word.iter().copied());
    }

    /// Replaces the first number after `at` by another.
    fn change_number(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let Some(begin) = bytes[at..].iter().position(is_digit) else {
            return;
        };
        let begin = at + begin;
        let digits = bytes[begin..]
            .iter()
            .take_while(|byte| is_digit(byte))
            .count();
        let number: u64 = match self.random.random_range(0..4) {
            0 => self.random.random_range(0..4),
            1 => self.random.random_range(0..100_000),
            2 => self.random.random(),
            _ => [u64::MAX, 1 << 63, 1 << 32, 1 << 31, 65_536][self.random.random_range(0..5)],
        };
        bytes.splice(begin..begin + digits, number.to_string().into_bytes());
    }
}
