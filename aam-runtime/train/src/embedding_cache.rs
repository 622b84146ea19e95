//! Embeddings on disk, so that a set of ASVs is encoded only once.
//!
//! A file has the embeddings of all ASVs of one encoding. Its name is a digest of everything that they
//! depend on: the weights of the encoder, the tokens of all ASVs and how they are divided into products,
//! the version of the program, and the instructions of the processor. It is thus used only where encoding
//! again would give the same bits. Files are renamed into place when they are complete, so several runs may
//! share a directory. A file that cannot be read, or is not what was written, counts as absent; nothing
//! about the cache is an error.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aam_api::{AsvChunk, Resolved};
use aam_model::{Base, TRAINED_ENCODER};
use burn::tensor::Device;
use sha2::{Digest, Sha256};

use crate::checkpoint::directory::hexadecimal;
use crate::options::CacheOptions;

/// The version of the format.
const FORMAT: &str = "aam embeddings 1";
/// Ending of the names of complete files.
const COMPLETE: &str = "embeddings";
/// Ending of the names of files that are being written.
const PARTIAL: &str = ".partial";
/// Number of ASVs below which encoding takes no noticeable time.
const FEWEST_ASVS: usize = 1000;
/// Largest size of all files together, in bytes.
const MOST_BYTES: u64 = 2_000_000_000;
/// Age from which a partial file belongs to a run that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// Length of a SHA-256 digest.
const DIGEST: usize = 32;

/// A cache of embeddings, or none.
#[derive(Clone, Debug, Default)]
pub struct EmbeddingCache {
    folder: Option<PathBuf>,
    fewest: usize,
    most_bytes: u64,
}

impl EmbeddingCache {
    /// The cache of `options` for embeddings by `encoder`: none unless it is the encoder that comes with
    /// the program, the only one that different runs have in common.
    pub fn of(options: &CacheOptions, encoder: &Resolved) -> Self {
        if !options.cache || encoder.name != TRAINED_ENCODER {
            return Self::default();
        }
        Self {
            folder: options.cache_dir.clone().or_else(usual),
            fewest: FEWEST_ASVS,
            most_bytes: MOST_BYTES,
        }
    }

    /// The entry of the embeddings of `asvs` ASVs by the encoder of `base`, `[ASVs, dim]`, if such are
    /// cached. `chunks` returns the tokens of the ASVs as they are encoded.
    pub(crate) fn entry(
        &self,
        base: &Base,
        asvs: usize,
        chunks: impl FnOnce() -> Vec<AsvChunk>,
        device: &Device,
    ) -> Option<Entry<'_>> {
        let folder = self.folder.as_deref()?;
        // On a GPU, the order of a sum may depend on more than what is in the key.
        if asvs < self.fewest || *device != Device::flex() {
            return None;
        }
        let mut hash = Sha256::new();
        let precision = base.embedding_precision().name();
        for text in [FORMAT, env!("CARGO_PKG_VERSION"), &processor(), precision] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        for weights in base.asv_encoder_weights() {
            hash.update((weights.len() as u64).to_le_bytes());
            weights
                .iter()
                .for_each(|weight| hash.update(weight.to_le_bytes()));
        }
        for chunk in chunks() {
            hash.update((chunk.length as u64).to_le_bytes());
            hash.update((chunk.tokens.len() as u64).to_le_bytes());
            hash.update(&chunk.tokens);
        }
        Some(Entry {
            folder,
            key: hexadecimal(&hash.finalize()),
            numbers: asvs * base.dim(),
            most_bytes: self.most_bytes,
        })
    }
}

/// The embeddings of one encoding in the cache.
pub(crate) struct Entry<'a> {
    folder: &'a Path,
    key: String,
    numbers: usize,
    most_bytes: u64,
}

impl Entry<'_> {
    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.{COMPLETE}", self.key))
    }

    /// The embeddings, row by row, if they are in the cache.
    pub(crate) fn read(&self) -> Option<Vec<f32>> {
        let path = self.path();
        let whole = self.numbers * size_of::<f32>() + DIGEST;
        if fs::metadata(&path).ok()?.len() != whole as u64 {
            return None;
        }
        let bytes = fs::read(&path).ok()?;
        let (numbers, digest) = bytes.split_at_checked(whole - DIGEST)?;
        if self.digest(numbers).as_slice() != digest {
            return None;
        }
        // The most recently used files are kept longest.
        let touched = File::options().append(true).open(&path);
        let _ = touched.and_then(|file| file.set_modified(SystemTime::now()));
        let numbers = numbers.chunks_exact(size_of::<f32>());
        Some(
            numbers
                .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
                .collect(),
        )
    }

    /// Writes `embeddings`, unless that fails or they are too large.
    pub(crate) fn write(&self, embeddings: &[f32]) {
        let size = (self.numbers * size_of::<f32>() + DIGEST) as u64;
        if embeddings.len() == self.numbers && size <= self.most_bytes {
            let _ = self.try_write(embeddings, size);
        }
    }

    fn try_write(&self, embeddings: &[f32], size: u64) -> io::Result<()> {
        fs::create_dir_all(self.folder)?;
        self.make_room(size)?;
        let bytes: Vec<u8> = embeddings
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        let mut file = tempfile::Builder::new()
            .suffix(PARTIAL)
            .tempfile_in(self.folder)?;
        file.write_all(&bytes)?;
        file.write_all(&self.digest(&bytes))?;
        file.persist(self.path()).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes what killed runs left behind, and the least recently used files, until there is room
    /// for `size` bytes.
    fn make_room(&self, size: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.folder)?.flatten() {
            let path = entry.path();
            let Ok(about) = entry.metadata() else {
                continue;
            };
            let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if path.extension().is_some_and(|ending| ending == COMPLETE) {
                files.push((modified, path, about.len()));
            } else if path.to_string_lossy().ends_with(PARTIAL)
                && modified.elapsed().is_ok_and(|age| age > ABANDONED)
            {
                let _ = fs::remove_file(path);
            }
        }
        files.sort();
        let mut used: u64 = files.iter().map(|(_, _, size)| size).sum();
        for (_, path, held) in files {
            if used + size <= self.most_bytes {
                break;
            }
            // Another run may have removed it.
            let _ = fs::remove_file(path);
            used -= held;
        }
        Ok(())
    }

    /// The digest of the `numbers` and of what they are the embeddings of.
    fn digest(&self, numbers: &[u8]) -> [u8; DIGEST] {
        let mut hash = Sha256::new();
        hash.update(&self.key);
        hash.update(numbers);
        hash.finalize().into()
    }
}

/// The user's cache directory for this program.
fn usual() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).map(PathBuf::from);
    let absolute = |path: &PathBuf| path.is_absolute();
    let caches = named("XDG_CACHE_HOME").filter(absolute);
    let caches = caches.or_else(|| Some(named("HOME").filter(absolute)?.join(".cache")));
    Some(caches?.join("aam"))
}

/// The kind of processor, by the instructions that sums are computed with.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let instructions = [
        std::arch::is_x86_feature_detected!("avx2"),
        std::arch::is_x86_feature_detected!("fma"),
        std::arch::is_x86_feature_detected!("avx512f"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let instructions: [bool; 0] = [];
    format!("{} {instructions:?}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(folder: &'a Path, key: &str, most_bytes: u64) -> Entry<'a> {
        Entry {
            folder,
            key: key.to_owned(),
            numbers: 3,
            most_bytes,
        }
    }

    #[test]
    fn written_files_are_read_and_damaged_files_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("below/cache");
        let one = entry(&cache, "one", 1000);
        assert_eq!(one.read(), None);
        let numbers = [1.5, f32::MIN_POSITIVE, -0.0];
        one.write(&numbers);
        let bits = |of: &[f32]| of.iter().map(|n| n.to_bits()).collect::<Vec<u32>>();
        assert_eq!(bits(&one.read().expect("numbers")), bits(&numbers));
        assert_eq!(fs::read_dir(&cache).expect("files").count(), 1);
        let whole = fs::read(one.path()).expect("a file");
        let mut changed = whole.clone();
        changed[2] ^= 1;
        for damaged in [&whole[..whole.len() - 1], &changed, b"something else"] {
            fs::write(one.path(), damaged).expect("a file");
            assert_eq!(one.read(), None);
            one.write(&numbers);
            assert!(one.read().is_some());
        }
        // The file of other ASVs under this name.
        let other = entry(&cache, "other", 1000);
        fs::copy(one.path(), other.path()).expect("a copy");
        assert_eq!(other.read(), None);
    }

    #[test]
    fn the_least_recently_used_files_make_room() {
        let folder = tempfile::tempdir().expect("a folder");
        let size = (3 * size_of::<f32>() + DIGEST) as u64;
        let [a, b, c] = ["a", "b", "c"].map(|key| entry(folder.path(), key, 2 * size));
        let age = |of: &Entry<'_>, seconds: u64| {
            let file = File::options().append(true).open(of.path());
            let then = SystemTime::now() - Duration::from_secs(seconds);
            file.and_then(|file| file.set_modified(then))
                .expect("an older file");
        };
        a.write(&[0.0; 3]);
        age(&a, 300);
        b.write(&[0.0; 3]);
        age(&b, 200);
        assert!(a.read().is_some(), "which makes it the newer one");
        c.write(&[0.0; 3]);
        assert!(a.read().is_some() && b.read().is_none() && c.read().is_some());
        let large = entry(folder.path(), "large", size - 1);
        large.write(&[0.0; 3]);
        assert!(large.read().is_none() && c.read().is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_not_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        let below = file.join("cache");
        let entry = entry(&below, "key", 1000);
        entry.write(&[0.0; 3]);
        assert_eq!(entry.read(), None);
    }

    #[test]
    fn only_the_encoder_that_comes_with_the_program_has_a_cache() {
        let options = CacheOptions {
            cache: true,
            cache_dir: Some(PathBuf::from("here")),
        };
        let cache = |options: &CacheOptions, name: &str| {
            EmbeddingCache::of(options, &Resolved::built_in(name)).folder
        };
        assert_eq!(cache(&options, TRAINED_ENCODER), options.cache_dir);
        assert_eq!(cache(&options, "transformer"), None);
        let none = CacheOptions {
            cache: false,
            ..options
        };
        assert_eq!(cache(&none, TRAINED_ENCODER), None);
    }
}
