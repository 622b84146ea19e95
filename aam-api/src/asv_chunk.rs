//! ASVs on the host: their tokens, and what the encoder learns from them.

use std::ops::Range;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

/// Tokens of ASVs of equal length, `[ASVs, length]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsvChunk {
    /// The tokens ([`tokens`](crate::tokens)) of all ASVs, concatenated; each ASV begins with a start token.
    pub tokens: Vec<u8>,
    /// Tokens per ASV, at least 1.
    pub length: usize,
}

impl AsvChunk {
    /// Number of ASVs.
    pub fn asvs(&self) -> usize {
        self.tokens.len() / self.length
    }

    /// The tokens of each ASV.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.tokens.chunks_exact(self.length)
    }

    /// The tokens on a device, `[ASVs, length]`.
    pub fn tensor(&self, device: &Device) -> Tensor<2, Int> {
        let values: Vec<i32> = self.tokens.iter().map(|&token| i32::from(token)).collect();
        Tensor::from_data(TensorData::new(values, [self.asvs(), self.length]), device)
    }

    /// The ASVs in the range `asvs`, numbered across all `chunks`.
    pub fn part(chunks: &[Self], asvs: Range<usize>) -> Vec<Self> {
        let mut start = 0;
        let mut parts = Vec::new();
        for chunk in chunks {
            let end = start + chunk.asvs();
            let (first, last) = (asvs.start.max(start), asvs.end.min(end));
            if first < last {
                let places = (first - start) * chunk.length..(last - start) * chunk.length;
                parts.push(Self {
                    tokens: chunk.tokens[places].to_vec(),
                    length: chunk.length,
                });
            }
            start = end;
        }
        parts
    }
}

/// ASVs with some of their nucleotides masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedChunk {
    /// The unmasked chunk.
    pub original: AsvChunk,
    /// The chunk as the model sees it.
    pub masked: AsvChunk,
    /// Whether each token is masked.
    pub mask: Vec<bool>,
}

impl MaskedChunk {
    /// Number of masked positions.
    pub fn places(&self) -> usize {
        self.mask.iter().filter(|masked| **masked).count()
    }

    /// The ASVs, whose masked nucleotides are to be predicted.
    pub fn asvs(&self) -> impl Iterator<Item = Asv<'_>> {
        let masks = self.mask.chunks_exact(self.original.length);
        let rows = self.masked.rows().zip(self.original.rows()).zip(masks);
        rows.map(|((tokens, truth), mask)| Asv {
            masked: Some((truth, mask)),
            ..Asv::seen(tokens)
        })
    }

    /// The true tokens and the mask on a device, both `[ASVs, length]`.
    pub fn truth(&self, device: &Device) -> (Tensor<2, Int>, Tensor<2, Bool>) {
        let shape = [self.original.asvs(), self.original.length];
        let mask = TensorData::new(self.mask.clone(), shape);
        (
            self.original.tensor(device),
            Tensor::from_data(mask, device),
        )
    }
}

/// One ASV: its tokens, and what the encoder learns from it.
#[derive(Clone, Copy, Debug)]
pub struct Asv<'a> {
    /// The tokens that the encoder sees.
    pub tokens: &'a [u8],
    /// The gradient with respect to the ASV's embedding, `[dim]`, if there is one.
    pub gradient: Option<&'a [f32]>,
    /// The true tokens and a mask of the positions to predict, if there are any.
    pub masked: Option<(&'a [u8], &'a [bool])>,
}

impl<'a> Asv<'a> {
    /// An ASV without a gradient and without masked nucleotides.
    pub fn seen(tokens: &'a [u8]) -> Self {
        Self {
            tokens,
            gradient: None,
            masked: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_can_span_several_chunks() {
        let chunk = |tokens: &[u8], length| AsvChunk {
            tokens: tokens.to_vec(),
            length,
        };
        let chunks = [chunk(&[5, 1, 5, 2, 5, 3], 2), chunk(&[5, 1, 1, 5, 2, 2], 3)];
        assert_eq!(AsvChunk::part(&chunks, 0..5), chunks);
        let found = AsvChunk::part(&chunks, 2..4);
        assert_eq!(found, [chunk(&[5, 3], 2), chunk(&[5, 1, 1], 3)]);
        assert_eq!(AsvChunk::part(&chunks, 5..5), []);
    }
}
