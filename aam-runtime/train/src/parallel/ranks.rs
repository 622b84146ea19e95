//! The ranks of a run.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use aam_api::{
    Alone, Communicator, Components, InProcess, ParallelStrategy, PluginError, Registry, Resolved,
    StrategyContext, StrategyKind, Updates,
};
use burn::tensor::Device;
use serde_json::Value;

use super::processes::communicator;
use crate::options::OptimizationOptions;
use aam_core::text::counted;
use aam_model::device::devices;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::run_directory::RunDirectory;

/// The strategy for one rank.
const SINGLE: &str = "single";

/// The ranks of a run in this process: one, or several in threads.
#[derive(Debug)]
pub struct Ranks {
    strategies: Vec<Box<dyn ParallelStrategy>>,
}

impl Ranks {
    /// The ranks requested by `options` and the strategy in `components`, and that strategy.
    ///
    /// # Errors
    /// An unknown strategy or device, or an invalid number of ranks.
    pub fn new(
        options: &OptimizationOptions,
        components: &Components,
    ) -> Result<(Self, Resolved), RunError> {
        let registry = Registry::<StrategyKind>::load()?;
        let resolved = components.resolve::<StrategyKind>()?;
        let devices = devices(&options.device)?;
        let build = |communicator: Arc<dyn Communicator>| {
            let context = StrategyContext::new(devices.clone(), communicator);
            registry.build(&resolved, &context, &devices[0])
        };
        let processes = communicator()?;
        let first = build(Arc::clone(&processes))?;
        let strategies = match first.local_ranks() {
            0 | 1 => vec![first],
            local if processes.size() > 1 => {
                let problem = format!(
                    "{} processes were started, each of which is one rank; leave it out",
                    processes.size()
                );
                return Err(RunError::value(
                    "strategy.ranks",
                    local.to_string(),
                    problem,
                ));
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

    /// Reports how many ranks run with a `strategy` for several.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn announce(
        &self,
        strategy: &Resolved,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let name = &strategy.name;
        if name == SINGLE {
            return Ok(());
        }
        let size = self.first().communicator().size();
        observer.observe(&Event::Ranks(size))?;
        let text = format!("--strategy {name}: {}", counted(size, "rank"));
        let was_asked = strategy.options.get("ranks").is_some_and(Value::is_number);
        match size > 1 || was_asked {
            true => observer.observe(&Event::Note(&text)),
            false => observer.observe(&Event::Warning(&format!(
                "{text}; --strategy.ranks N runs N ranks in threads, and mpirun starts them as processes"
            ))),
        }
    }

    /// The first rank of this process.
    pub fn first(&self) -> &dyn ParallelStrategy {
        self.strategies[0].as_ref()
    }

    /// The device of the first rank.
    pub fn device(&self) -> Device {
        self.first().device()
    }

    /// A separate rank on the device of the first one, for what every process does by itself.
    ///
    /// # Errors
    /// Never in practice: the strategy is part of every build.
    pub fn alone(&self) -> Result<Box<dyn ParallelStrategy>, RunError> {
        let device = self.device();
        let context = StrategyContext::new(vec![device.clone()], Arc::new(Alone));
        let strategy = Resolved::built_in(SINGLE);
        Ok(Registry::<StrategyKind>::load()?.build(&strategy, &context, &device)?)
    }

    /// The number of ranks in this process.
    pub fn local(&self) -> usize {
        self.strategies.len()
    }

    /// Whether several ranks update pieces of parameters, instead of each rank updating all of
    /// them.
    pub fn update_pieces(&self) -> bool {
        let several = self.first().communicator().size() > 1;
        several && matches!(self.first().updates(1), Updates::InParts(_))
    }

    /// Whether this process has the first rank, which writes the files.
    pub fn has_first(&self) -> bool {
        self.first().communicator().rank() == 0
    }

    /// The directory of the run, which is created ([`RunDirectory::create`]) or resumed by the
    /// first rank, which alone writes to it.
    ///
    /// # Errors
    /// A directory that cannot be made.
    pub fn run_directory(&self, options: &OptimizationOptions) -> Result<RunDirectory, RunError> {
        let path = options.output_dir.as_deref();
        if self.local() == 1 {
            // Every process has checked the directory, which is still empty.
            self.first().communicator().barrier()?;
        }
        match (self.has_first(), options.resume) {
            (false, _) => RunDirectory::of_another(path),
            (true, true) => RunDirectory::resume(path),
            (true, false) => RunDirectory::create(path, options.overwrite),
        }
    }

    /// Runs `work` on every rank with its own copy of `input`, and returns the result of the first
    /// rank of this process. The others do not report to anyone; ranks in one process share its
    /// threads.
    ///
    /// # Errors
    /// That of the first rank that failed, which terminates the others.
    pub fn run<T: Clone + Send, R: Send>(
        &self,
        input: T,
        observer: &mut dyn Observer,
        work: impl Fn(T, &dyn ParallelStrategy, &mut dyn Observer) -> Result<R, RunError> + Sync,
    ) -> Result<R, RunError> {
        let (first, others) = match self.strategies.as_slice() {
            [only] if self.has_first() => return work(input, only.as_ref(), observer),
            [only] => return work(input, only.as_ref(), &mut |_: &Event<'_>| {}),
            strategies => (&strategies[0], &strategies[1..]),
        };
        let threads = (rayon::current_num_threads() / self.local()).max(1);
        let work = &work;
        let rank = |input: T, strategy: &dyn ParallelStrategy, observer: &mut dyn Observer| {
            let communicator = strategy.communicator();
            let done = catch_unwind(AssertUnwindSafe(|| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.map_err(|error| failed(communicator, error.to_string()))?;
                pool.install(|| work(input, strategy, observer))
            }));
            match &done {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => communicator.abort(&error.to_string()),
                Err(_) => communicator.abort("it panicked"),
            }
            done
        };
        let (first, others) = thread::scope(|scope| {
            let others = others.iter().map(|strategy| {
                // Values can be moved to a thread without being shareable between threads.
                let input = input.clone();
                let rank = &rank;
                scope.spawn(move || rank(input, strategy.as_ref(), &mut |_: &Event<'_>| {}))
            });
            let others: Vec<_> = others.collect();
            let first = rank(input, first.as_ref(), observer);
            let others = others.into_iter().map(|thread| thread.join().flatten());
            (first, others.collect::<Vec<_>>())
        });
        let size = self.local();
        let mut unless_panicked = |rank: usize, result| -> Result<Result<R, RunError>, RunError> {
            match result {
                Ok(result) => Ok(result),
                Err(panic) => {
                    let text = format!("rank {rank} of {size} panicked");
                    observer.observe(&Event::Warning(&text))?;
                    resume_unwind(panic)
                }
            }
        };
        let first = unless_panicked(0, first)?;
        let mut errors = Vec::new();
        for (rank, result) in (1..).zip(others) {
            let error = unless_panicked(rank, result)?.err();
            errors.extend(error.map(|error| (rank, error)));
        }
        let mut errors = errors.into_iter();
        match (first, errors.next()) {
            (Ok(first), None) => Ok(first),
            (Ok(_), Some(error)) => Err(cause(size, error, errors)),
            (Err(own), other) => Err(cause(size, (0, own), other.into_iter().chain(errors))),
        }
    }
}

/// Of the errors of some of `size` ranks, in order, the first one that is not merely caused by
/// another rank's.
fn cause(
    size: usize,
    (rank, first): (usize, RunError),
    mut others: impl Iterator<Item = (usize, RunError)>,
) -> RunError {
    let is_news =
        |error: &RunError| matches!(error, RunError::Plugin(PluginError::Communication { .. }));
    let (rank, source) = match is_news(&first) {
        false => (rank, first),
        true => match others.find(|(_, error)| !is_news(error)) {
            Some(found) => found,
            None => return first,
        },
    };
    let source = Box::new(source);
    RunError::Rank { rank, size, source }
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
    fn the_result_of_the_first_rank_counts() {
        let nobody = &mut |_: &Event<'_>| {};
        let sum = ranks(3).run((), nobody, |(), strategy, _| {
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
            let result = ranks(3).run((), nobody, |(), strategy, _| {
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
    fn a_panic_ends_the_others_and_propagates() {
        let mut warnings = String::new();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            let observer = &mut |event: &Event<'_>| {
                if let Event::Warning(text) = event {
                    warnings.push_str(text);
                }
            };
            ranks(2).run((), observer, |(), strategy, _| {
                let rank = strategy.communicator();
                assert_eq!(rank.rank(), 0, "the second rank panics");
                Ok(rank.barrier()?)
            })
        }));
        assert!(panic.is_err());
        assert_eq!(warnings, "rank 1 of 2 panicked");
    }
}
