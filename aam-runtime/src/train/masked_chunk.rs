//! ASVs of which some nucleotides are masked.

use aam_api::Communicator;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use super::encoding::Chunk;
use crate::batch::token_tensor;
use crate::model::{Asv, Base, nucleotide_loss};
use crate::parallel::Share;

/// Masked tokens of a chunk, and where they are masked.
pub struct MaskedChunk {
    /// The chunk as it is.
    pub original: Chunk,
    /// The chunk as the model sees it.
    pub masked: Chunk,
    /// Whether each token is masked.
    pub mask: Vec<bool>,
}

impl MaskedChunk {
    /// Logits of the masked tokens, `[ASVs, length, vocabulary]`, the true tokens and the masked
    /// places.
    pub fn guess(
        &self,
        base: &Base,
        device: &Device,
    ) -> (Tensor<3>, Tensor<2, Int>, Tensor<2, Bool>) {
        let tokens = token_tensor(&self.masked.tokens, self.masked.length, device);
        self.guess_from(base.encode_tokens(tokens).positions, base, device)
    }

    /// As [`guess`](Self::guess), from the vectors of the positions.
    fn guess_from(
        &self,
        positions: Tensor<3>,
        base: &Base,
        device: &Device,
    ) -> (Tensor<3>, Tensor<2, Int>, Tensor<2, Bool>) {
        let logits = base.nucleotide_logits(positions);
        let truth = token_tensor(&self.original.tokens, self.original.length, device);
        let shape = [self.original.asvs(), self.original.length];
        let selected = TensorData::new(self.mask.clone(), shape);
        (logits, truth, Tensor::from_data(selected, device))
    }

    /// Sum of the losses at the masked places, `[1]`, from the vectors of the positions.
    pub fn loss_from(&self, positions: Tensor<3>, base: &Base, device: &Device) -> Tensor<1> {
        let (logits, truth, selected) = self.guess_from(positions, base, device);
        nucleotide_loss(logits, truth, selected).0
    }

    /// The ASVs, of which the masked nucleotides are to be guessed.
    pub fn asvs(&self) -> impl Iterator<Item = Asv<'_>> {
        let masks = self.mask.chunks_exact(self.original.length);
        let rows = self.masked.rows().zip(self.original.rows()).zip(masks);
        rows.map(|((tokens, truth), mask)| Asv {
            guess: Some((truth, mask)),
            ..Asv::seen(tokens)
        })
    }

    /// Number of masked places.
    pub fn places(&self) -> usize {
        self.mask.iter().filter(|masked| **masked).count()
    }

    /// The ASVs of `chunks` that a rank computes; nothing is guessed in those that do not count.
    pub fn share(chunks: Vec<Self>, communicator: &dyn Communicator) -> Vec<Self> {
        if communicator.size() == 1 || chunks.is_empty() {
            return chunks;
        }
        let all = chunks.iter().map(|chunk| chunk.original.asvs()).sum();
        let share = Share::of(all, communicator);
        let pick = |part: fn(&Self) -> Chunk| {
            let chunks: Vec<Chunk> = chunks.iter().map(part).collect();
            Chunk::part(&chunks, share.computed.clone())
        };
        let originals = pick(|chunk| chunk.original.clone());
        let masked = pick(|chunk| chunk.masked.clone());
        // A mark for each token: 1 where it is masked.
        let marks = pick(|chunk| Chunk {
            tokens: chunk.mask.iter().map(|masked| u8::from(*masked)).collect(),
            length: chunk.original.length,
        });
        let parts = originals.into_iter().zip(masked).zip(marks);
        let part = |((original, masked), marks): ((Chunk, Chunk), Chunk)| Self {
            original,
            masked,
            mask: marks
                .tokens
                .iter()
                .map(|mark| *mark == 1 && !share.own.is_empty())
                .collect(),
        };
        parts.map(part).collect()
    }
}

/// Number of masked places, at least 1.
pub fn places(chunks: &[MaskedChunk]) -> f64 {
    chunks.iter().map(MaskedChunk::places).sum::<usize>().max(1) as f64
}
