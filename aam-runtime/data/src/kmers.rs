//! The k-mers of a sequence.

/// The k-mers of `sequence` in order, two bits per base, skipping those with a letter that is not a
/// base. `k` is at most 16.
pub fn kmers(sequence: &str, k: usize) -> Vec<u32> {
    let mask = u32::MAX >> (32 - 2 * k.clamp(1, 16));
    let (mut code, mut length) = (0u32, 0);
    let mut codes = Vec::with_capacity(sequence.len());
    for letter in sequence.bytes() {
        let base = match letter.to_ascii_uppercase() {
            b'A' => 0,
            b'C' => 1,
            b'G' => 2,
            b'T' | b'U' => 3,
            _ => {
                length = 0;
                continue;
            }
        };
        code = ((code << 2) | base) & mask;
        length += 1;
        if length >= k {
            codes.push(code);
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kmer_has_its_code() {
        assert_eq!(kmers("ACGT", 2), [0b0001, 0b0110, 0b1011]);
        assert_eq!(kmers("acgu", 2), kmers("ACGT", 2));
        assert_eq!(kmers("ACNGT", 2), [0b0001, 0b1011]);
        assert_eq!(kmers("T".repeat(17).as_str(), 16), [u32::MAX; 2]);
        assert!(kmers("ACG", 4).is_empty());
    }
}
