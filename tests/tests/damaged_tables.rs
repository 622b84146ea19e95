//! Tables with randomly changed bytes: each loads or ends in an error in bounded time and memory,
//! and none crashes the process.
//!
//! With `AAM_DATA`, the folder of the studies, 2,000 damaged copies of real tables are tested.
//! Copies of a table and of distances written by the test itself are always tested.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aam_runtime::DataError;
use aam_runtime::data::{
    DistanceMatrix, Table, read_distances, read_metadata, read_sequences, read_table, write_biom,
    write_distances_h5, write_distances_npy, write_distances_tsv,
};

/// The system allocator, recording peak memory use.
struct Watched;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
/// Tests run one at a time, so that only one reader's memory is counted.
static TURN: Mutex<()> = Mutex::new(());

// SAFETY: every call is passed to the system allocator unchanged; only counters are added.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller upholds the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller upholds the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// A small random number generator, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) as usize % end
    }

    /// Changes some bytes, mostly near the beginning where the structure is, or truncates, repeats
    /// or overwrites a piece.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self.below(10) {
            0 => bytes.truncate(self.below(length)),
            1 => {
                let (from, to) = (self.below(length), self.below(length));
                let size = self.below(64).min(length - from.max(to));
                bytes.copy_within(from..from + size, to);
            }
            2 => {
                let at = self.below(length);
                let end = (at + 8).min(length);
                bytes[at..end].fill([0, 0xff, 0x7f][self.below(3)]);
            }
            _ => {
                for _ in 0..=self.below(8) {
                    let end = if self.below(2) == 0 {
                        length
                    } else {
                        length.min(4096)
                    };
                    let at = self.below(end);
                    bytes[at] = self.below(256) as u8;
                }
            }
        }
    }
}

type Reader = fn(&Path) -> Result<(), DataError>;

fn table(path: &Path) -> Result<(), DataError> {
    read_table(path).map(drop)
}

fn distances(path: &Path) -> Result<(), DataError> {
    read_distances(path)?.into_matrix().map(drop)
}

fn metadata(path: &Path) -> Result<(), DataError> {
    read_metadata(path).map(drop)
}

fn sequences(path: &Path) -> Result<(), DataError> {
    read_sequences(path).map(drop)
}

/// Reads `copies` damaged copies of `original`; returns how many still loaded.
fn read_damaged(original: &Path, read: Reader, copies: usize, random: &mut Random) -> usize {
    let sound = std::fs::read(original).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy-under-test");
    // The limit that readers guarantee: a constant plus a multiple of the file size.
    let memory = (256 << 20) + 64 * sound.len();
    let (mut loaded, mut most_memory, mut most_time) = (0, 0, Duration::ZERO);
    for number in 0..copies {
        let mut bytes = sound.clone();
        for _ in 0..=random.below(2) {
            random.damage(&mut bytes);
        }
        std::fs::write(&copy, &bytes).unwrap();
        let before = IN_USE.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        let begun = Instant::now();
        let outcome = std::panic::catch_unwind(|| read(&copy));
        let taken = begun.elapsed();
        let used = MOST.load(Ordering::Relaxed).saturating_sub(before);
        let what = || {
            let kept = std::env::temp_dir().join(format!("damaged-{number}"));
            std::fs::write(&kept, &bytes).unwrap();
            format!(
                "copy {number} of {}, kept at {}",
                original.display(),
                kept.display()
            )
        };
        assert!(taken < Duration::from_secs(10), "{taken:?} for {}", what());
        assert!(used < memory, "{used} bytes of memory for {}", what());
        (most_memory, most_time) = (most_memory.max(used), most_time.max(taken));
        match outcome {
            Ok(Ok(())) => loaded += 1,
            Ok(Err(error)) => assert!(error.to_string().contains("copy-under-test"), "{error}"),
            Err(_) => panic!("the reader panicked on {}", what()),
        }
    }
    println!(
        "{}: {loaded} of {copies} damaged copies loaded, at most {} MiB and {most_time:.1?} each",
        original.display(),
        most_memory >> 20
    );
    loaded
}

fn small_study(folder: &Path) -> Vec<(PathBuf, Reader)> {
    let ids = |letter: char, n: usize| (0..n).map(|i| format!("{letter}{i}")).collect::<Vec<_>>();
    let mut random = Random(1);
    let cells: Vec<(u32, u32, u32)> = (0..20)
        .flat_map(|sample| (0..30).map(move |feature| (sample, feature)))
        .map(|(sample, feature)| (sample, feature, random.below(5) as u32))
        .collect();
    let whole = Table::from_triplets(ids('s', 20), ids('f', 30), &cells).unwrap();
    let at = |i: usize, j: usize| {
        if i == j {
            0.0
        } else {
            1.0 / (1 + i.min(j)) as f64
        }
    };
    let values = (0..400).map(|cell| at(cell / 20, cell % 20)).collect();
    let matrix = DistanceMatrix::new(ids('s', 20), values).unwrap();
    let path = |name: &str| folder.join(name);

    write_biom(path("t.biom"), &whole).unwrap();
    write_distances_h5(path("d.h5"), &matrix).unwrap();
    write_distances_npy(path("d.npy"), &matrix).unwrap();
    write_distances_tsv(path("d.tsv"), &matrix).unwrap();
    let mut text = format!("#OTU ID\t{}\n", whole.sample_ids().join("\t"));
    let mut samples = "sample-id\tage\tgroup\n#q2:types\tnumeric\tcategorical\n".to_owned();
    let mut fasta = String::new();
    for (feature, id) in whole.feature_ids().iter().enumerate() {
        let counts: Vec<String> = (0..20)
            .map(|sample| cells[sample * 30 + feature].2.to_string())
            .collect();
        text += &format!("{id}\t{}\n", counts.join("\t"));
        samples += &format!("s{feature}\t{feature}.5\t\"group {}\"\n", feature % 3);
        fasta += &format!(">{id}\nACGTACGTTTGACA\n");
    }
    std::fs::write(path("t.tsv"), text).unwrap();
    std::fs::write(path("m.tsv"), samples).unwrap();
    std::fs::write(path("s.fasta"), fasta).unwrap();
    vec![
        (path("t.biom"), table as Reader),
        (path("t.tsv"), table),
        (path("d.h5"), distances),
        (path("d.npy"), distances),
        (path("d.tsv"), distances),
        (path("m.tsv"), metadata),
        (path("s.fasta"), sequences),
    ]
}

#[test]
fn damaged_files_of_a_small_study() {
    let _turn = TURN.lock();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(2);
    for (path, read) in small_study(folder.path()) {
        // The array has no ids, so it is rejected even if it is valid.
        let sound = read(&path).is_ok();
        let loaded = read_damaged(&path, read, 200, &mut random);
        assert!(loaded < 200, "{}", path.display());
        assert!(sound || path.ends_with("d.npy"), "{}", path.display());
    }
}

#[test]
fn damaged_copies_of_real_tables() {
    let Some(data) = std::env::var_os("AAM_DATA").map(PathBuf::from) else {
        println!("skipped: AAM_DATA is not set");
        return;
    };
    let _turn = TURN.lock();
    let corpus = data.join("corpus-malformed");
    let tables = [
        data.join("glen-canyon-small/table.biom"),
        data.join("moving-pictures-34/table.biom"),
        data.join("sleep-apnea-mice/table.biom"),
        corpus.join("biom-format/rich_sparse_otu_table.biom"),
        corpus.join("biom-format/rich_sparse_otu_table_hdf5.biom"),
        corpus.join("biom-format/bench/1000x1000x0.010_bench.biom.gz"),
        corpus.join("biom-format/bench/1000x1000x0.010_bench_hdf5.biom.gz"),
        corpus.join("q2-sample-classifier/vaw.qza"),
        corpus.join("q2-sample-classifier/chardonnay.table.qza"),
        corpus.join("real-odd/infants.biom.gz"),
        corpus.join("real-odd/ravel-otutable.tsv"),
    ];
    let tables: Vec<_> = tables.iter().filter(|path| path.exists()).collect();
    let mut random = Random(3);
    let mut left = 2000;
    for (i, path) in tables.iter().enumerate() {
        let copies = left / (tables.len() - i);
        left -= copies;
        read_damaged(path, table, copies, &mut random);
    }
    assert_eq!(left, 0);
}
