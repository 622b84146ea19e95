//! The branches of a tree as vectors of random signs.

/// Adds `√length · v` to `sum`, where `v` are the signs drawn by `key`, divided by `√dim`.
pub(super) fn add_branch(sum: &mut [f32], key: u64, length: f32) {
    let step = (length / sum.len().max(1) as f32).sqrt();
    for (block, values) in (1u64..).zip(sum.chunks_mut(64)) {
        let mut signs = mixed(key.wrapping_add(block.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        for value in values {
            *value += if signs & 1 == 1 { step } else { -step };
            signs >>= 1;
        }
    }
}

/// The key of the branch of a feature or tip.
pub(super) fn feature(id: &str) -> u64 {
    hash([id].into_iter(), 0x66)
}

/// The key of the branch above the taxon with these names from the domain down.
pub(super) fn taxon(names: &[&str]) -> u64 {
    hash(names.iter().copied(), 0x74)
}

/// The FNV-1a hash (Fowler, Noll and Vo) of `names`, the same on every machine.
fn hash<'a>(names: impl Iterator<Item = &'a str>, kind: u8) -> u64 {
    let bytes = names.flat_map(|name| name.bytes().chain([0]));
    let hash = bytes
        .chain([kind])
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    mixed(hash)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), by which every bit depends on all.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
