//! The ranks of a run.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use aam_api::{
    Communicator, InProcess, ParallelStrategy, PluginError, Registry, Resolved, StrategyContext,
    StrategyKind,
};
use burn::tensor::Device;

use super::processes::communicator;
use crate::device::devices;
use crate::error::RunError;
use crate::events::{Event, Observer};
use crate::options::OptimizationOptions;
use crate::run_directory::RunDirectory;
use crate::train::chosen;

/// The ranks of a run that are in this process: one, or several in threads.
#[derive(Debug)]
pub struct Ranks {
    strategies: Vec<Box<dyn ParallelStrategy>>,
}

impl Ranks {
    /// The ranks that `options` ask for, and the strategy as it was resolved.
    ///
    /// # Errors
    /// An unknown strategy or device, or a number of ranks that does not fit.
    pub fn new(options: &OptimizationOptions) -> Result<(Self, Resolved), RunError> {
        let registry = Registry::<StrategyKind>::load()?;
        let resolved = registry.resolve(chosen(options.strategy.as_ref(), "strategy")?)?;
        let devices = devices(&options.device)?;
        let build = |communicator: Arc<dyn Communicator>| {
            let context = StrategyContext {
                devices: devices.clone(),
                communicator,
            };
            registry.build(&resolved, &context, &devices[0])
        };
        let processes = communicator()?;
        let first = build(Arc::clone(&processes))?;
        let strategies = match first.local_ranks() {
            0 | 1 => vec![first],
            local if processes.size() > 1 => {
                return Err(RunError::Usage(format!(
                    "--strategy.ranks {local}: {} processes were started, and each is one rank; leave it out",
                    processes.size()
                )));
            }
            size => {
                let ranks = InProcess::ranks(size).into_iter();
                let built: Result<_, PluginError> =
                    ranks.map(|rank| build(Arc::new(rank))).collect();
                built?
            }
        };
        Ok((Self { strategies }, resolved))
    }

    /// The first rank of this process.
    pub fn first(&self) -> &dyn ParallelStrategy {
        self.strategies[0].as_ref()
    }

    /// The device of the first rank.
    pub fn device(&self) -> Device {
        self.first().device()
    }

    /// Number of ranks in this process.
    pub fn local(&self) -> usize {
        self.strategies.len()
    }

    /// Whether this process has the first rank, which writes the files.
    pub fn has_first(&self) -> bool {
        self.first().communicator().rank() == 0
    }

    /// The directory of the run, which the first rank makes ([`RunDirectory::create`]) or goes on
    /// with, and alone writes to.
    ///
    /// # Errors
    /// A directory that cannot be made.
    pub fn run_directory(&self, options: &OptimizationOptions) -> Result<RunDirectory, RunError> {
        let path = options.output_dir.as_deref();
        if self.local() == 1 {
            // Every process has checked the directory, and there is nothing in it yet.
            self.first().communicator().barrier()?;
        }
        match (self.has_first(), options.resume) {
            (false, _) => RunDirectory::of_another(path),
            (true, true) => RunDirectory::resume(path),
            (true, false) => RunDirectory::create(path, options.overwrite),
        }
    }

    /// Does `work` on every rank, and returns what it is on the first of this process. The others
    /// tell nobody anything; several share the threads of the process.
    ///
    /// # Errors
    /// That of the first rank that failed, which ends the others.
    pub fn run<R: Send>(
        &self,
        observer: &mut dyn Observer,
        work: impl Fn(&dyn ParallelStrategy, &mut dyn Observer) -> Result<R, RunError> + Sync,
    ) -> Result<R, RunError> {
        let (first, others) = match self.strategies.as_slice() {
            [only] if self.has_first() => return work(only.as_ref(), observer),
            [only] => return work(only.as_ref(), &mut |_: &Event<'_>| {}),
            strategies => (&strategies[0], &strategies[1..]),
        };
        let threads = (rayon::current_num_threads() / self.local()).max(1);
        let work = &work;
        let rank = |strategy: &dyn ParallelStrategy, observer: &mut dyn Observer| {
            let communicator = strategy.communicator();
            let done = catch_unwind(AssertUnwindSafe(|| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.map_err(|error| failed(communicator, error.to_string()))?;
                pool.install(|| work(strategy, observer))
            }));
            match &done {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => communicator.abort(&error.to_string()),
                Err(_) => communicator.abort("it panicked"),
            }
            done
        };
        let mut results = thread::scope(|scope| {
            let others = others
                .iter()
                .map(|strategy| scope.spawn(|| rank(strategy.as_ref(), &mut |_: &Event<'_>| {})));
            let others: Vec<_> = others.collect();
            let first = rank(first.as_ref(), observer);
            let others = others.into_iter().map(|thread| thread.join().flatten());
            std::iter::once(first).chain(others).collect::<Vec<_>>()
        });
        if let Some(panicked) = results.iter().position(Result::is_err) {
            let text = format!("rank {panicked} of {} panicked", results.len());
            observer.observe(&Event::Warning(&text))?;
            if let Err(panic) = results.swap_remove(panicked) {
                resume_unwind(panic);
            }
        }
        let size = results.len();
        let mut done = Vec::with_capacity(size);
        let mut lost = None;
        for (rank, result) in results.into_iter().flatten().enumerate() {
            match result {
                Ok(result) => done.push(result),
                // Others that heard of the failure.
                Err(RunError::Plugin(error @ PluginError::Communication { .. })) => {
                    lost.get_or_insert(RunError::Plugin(error));
                }
                Err(source) => {
                    let source = Box::new(source);
                    return Err(RunError::Rank { rank, size, source });
                }
            }
        }
        match (lost, done.into_iter().next()) {
            (None, Some(first)) => Ok(first),
            (Some(error), _) => Err(error),
            (None, None) => unreachable!("there is one rank at least"),
        }
    }
}

fn failed(communicator: &dyn Communicator, problem: String) -> RunError {
    RunError::Plugin(PluginError::Communication {
        rank: communicator.rank(),
        size: communicator.size(),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use aam_api::Updates;

    use super::*;

    #[derive(Debug)]
    struct Rank(InProcess);

    impl ParallelStrategy for Rank {
        fn communicator(&self) -> &dyn Communicator {
            &self.0
        }

        fn device(&self) -> Device {
            Device::flex()
        }

        fn updates(&self, _count: usize) -> Updates {
            Updates::Everywhere
        }
    }

    fn ranks(size: usize) -> Ranks {
        let ranks = InProcess::ranks(size).into_iter();
        let strategies = ranks.map(|rank| Box::new(Rank(rank)) as Box<dyn ParallelStrategy>);
        Ranks {
            strategies: strategies.collect(),
        }
    }

    #[test]
    fn what_the_first_rank_returns_counts() {
        let nobody = &mut |_: &Event<'_>| {};
        let sum = ranks(3).run(nobody, |strategy, _| {
            let rank = strategy.communicator();
            let sum = rank.sum(&[rank.rank() as f64])?[0];
            Ok((rank.rank(), sum))
        });
        assert_eq!(sum.unwrap(), (0, 3.0));
    }

    #[test]
    fn a_rank_that_fails_ends_the_others_with_its_error() {
        for failing in 0..3 {
            let started = Instant::now();
            let nobody = &mut |_: &Event<'_>| {};
            let result = ranks(3).run(nobody, |strategy, _| {
                let rank = strategy.communicator();
                for step in 0.. {
                    rank.barrier()?;
                    if (rank.rank(), step) == (failing, 5) {
                        return Err(RunError::Diverged("no number".to_owned()));
                    }
                }
                Ok(())
            });
            let error = result.unwrap_err().to_string();
            assert_eq!(error, format!("rank {failing} of 3: no number"));
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    }

    #[test]
    fn a_panic_ends_the_others_and_gets_through() {
        let mut told = String::new();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let observer = &mut |event: &Event<'_>| {
                if let Event::Warning(text) = event {
                    told.push_str(text);
                }
            };
            ranks(2).run(observer, |strategy, _| {
                let rank = strategy.communicator();
                assert_eq!(rank.rank(), 0, "the second rank panics");
                Ok(rank.barrier()?)
            })
        }));
        assert!(panic.is_err());
        assert_eq!(told, "rank 1 of 2 panicked");
    }
}
