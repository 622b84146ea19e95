//! Parallel work whose results are added in a fixed order, so that sums do not depend on the
//! threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Calls `work` for each of `parts` with a per-thread state from `start`, and then `add`, one part
/// at a time and in order.
pub(super) fn in_order<S>(
    parts: usize,
    start: impl Fn() -> S + Sync,
    work: impl Fn(usize, &mut S) + Sync,
    add: impl FnMut(usize, &mut S) + Send,
) {
    /// Wakes waiting threads if the work of a part panics, so that the panic propagates.
    struct Alarm<'a, T>(&'a AtomicBool, &'a Mutex<T>, &'a Condvar);

    impl<T> Drop for Alarm<'_, T> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                // Under the lock; otherwise a thread about to wait would miss it.
                let _turn = self.1.lock().unwrap_or_else(PoisonError::into_inner);
                self.0.store(true, Ordering::SeqCst);
                self.2.notify_all();
            }
        }
    }

    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let turn = Mutex::new((0, add));
    let moved_on = Condvar::new();
    let threads = rayon::current_num_threads().min(parts);
    let worker = || {
        let _alarm = Alarm(&failed, &turn, &moved_on);
        let mut state = start();
        loop {
            // Parts are taken in order, so the awaited part is always in progress.
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                break;
            }
            work(part, &mut state);
            let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let mut turn = moved_on
                .wait_while(turn, |(done, _)| {
                    *done != part && !failed.load(Ordering::SeqCst)
                })
                .unwrap_or_else(PoisonError::into_inner);
            if turn.0 != part {
                break;
            }
            turn.1(part, &mut state);
            turn.0 += 1;
            moved_on.notify_all();
        }
    };
    rayon::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| worker());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_added_in_order() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build();
        let mut seen = Vec::new();
        pool.unwrap().install(|| {
            in_order(
                50,
                || 0,
                |part, state| *state = part * part,
                |part, state| seen.push((part, *state)),
            );
        });
        let expected: Vec<_> = (0..50).map(|part| (part, part * part)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    #[should_panic(expected = "part 7")]
    fn a_panic_propagates() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build();
        pool.unwrap().install(|| {
            let work = |part, (): &mut ()| assert!(part != 7, "part 7");
            in_order(50, || (), work, |_, ()| ());
        });
    }
}
