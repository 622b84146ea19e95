//! ASVs of which some nucleotides are masked, on several replicas.

use aam_api::{AsvChunk, MaskedChunk};

use crate::parallel::Replica;

/// The ASVs of `chunks` that a replica computes; nothing is guessed in those that do not count.
pub fn part(chunks: Vec<MaskedChunk>, replica: Replica<'_>) -> Vec<MaskedChunk> {
    if replica.is_alone() || chunks.is_empty() {
        return chunks;
    }
    let own = replica.part(chunks.iter().map(|chunk| chunk.original.asvs()).sum());
    let pick = |part: fn(&MaskedChunk) -> AsvChunk| {
        let chunks: Vec<AsvChunk> = chunks.iter().map(part).collect();
        AsvChunk::part(&chunks, own.computed())
    };
    let originals = pick(|chunk| chunk.original.clone());
    let masked = pick(|chunk| chunk.masked.clone());
    // A mark for each token: 1 where it is masked.
    let marks = pick(|chunk| AsvChunk {
        tokens: chunk.mask.iter().map(|masked| u8::from(*masked)).collect(),
        length: chunk.original.length,
    });
    let parts = originals.into_iter().zip(masked).zip(marks);
    let part = |((original, masked), marks): ((AsvChunk, AsvChunk), AsvChunk)| MaskedChunk {
        original,
        masked,
        mask: marks
            .tokens
            .iter()
            .map(|mark| *mark == 1 && !own.is_empty())
            .collect(),
    };
    parts.map(part).collect()
}

/// Number of masked places, at least 1.
pub fn places(chunks: &[MaskedChunk]) -> f64 {
    chunks.iter().map(MaskedChunk::places).sum::<usize>().max(1) as f64
}
