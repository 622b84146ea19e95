//! ASVs with masked nucleotides, distributed over several replicas.

use aam_api::{AsvChunk, MaskedChunk};

use crate::parallel::Replica;

/// The ASVs of `chunks` that a replica computes; in ASVs that do not count, no nucleotides are
/// predicted.
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
    // A flag for each token: 1 if it is masked.
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

/// The number of masked positions, at least 1.
pub fn places(chunks: &[MaskedChunk]) -> f64 {
    chunks.iter().map(MaskedChunk::places).sum::<usize>().max(1) as f64
}
