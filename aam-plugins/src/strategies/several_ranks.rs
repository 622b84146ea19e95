//! Strategies with several ranks, which differ in which rank updates which parameters.

use std::sync::Arc;

use aam_api::{
    Communicator, Kind, ParallelStrategy, PluginError, StrategyContext, StrategyKind, Updates,
};
use burn::tensor::Device;

/// Maximum number of ranks in one process.
const MOST: usize = 256;

/// A rank of several: its device, its connection to the others, and what it updates.
#[derive(Clone, Debug)]
pub struct SeveralRanks {
    device: Device,
    communicator: Arc<dyn Communicator>,
    local: usize,
    /// Which rank updates which of `count` parameters.
    updates: fn(count: usize, ranks: usize) -> Updates,
    saves_in_parts: bool,
}

impl SeveralRanks {
    /// This rank of the strategy called `name`. The process has `local` ranks, by default one per device;
    /// ranks are assigned to devices in order, starting again at the first device after the last.
    pub(super) fn new(
        name: &'static str,
        local: Option<usize>,
        context: &StrategyContext,
        updates: fn(count: usize, ranks: usize) -> Updates,
    ) -> Result<Self, PluginError> {
        let local = local.unwrap_or(context.devices.len());
        if !(1..=MOST).contains(&local) {
            let expected = format!("an integer from 1 to {MOST}");
            let kind = StrategyKind::NAME;
            return Err(PluginError::bad_option(
                kind, name, "ranks", expected, local,
            ));
        }
        let communicator = Arc::clone(&context.communicator);
        let number = communicator.rank() % context.devices.len().max(1);
        let Some(device) = context.devices.get(number).cloned() else {
            return Err(PluginError::needs(StrategyKind::NAME, name, "a device"));
        };
        Ok(Self {
            device,
            communicator,
            local,
            updates,
            saves_in_parts: false,
        })
    }

    /// Sets whether checkpoints store the optimizer state in the ranks' parts.
    pub(super) fn saving_in_parts(self, saves_in_parts: bool) -> Self {
        Self {
            saves_in_parts,
            ..self
        }
    }
}

impl ParallelStrategy for SeveralRanks {
    fn communicator(&self) -> &dyn Communicator {
        self.communicator.as_ref()
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn local_ranks(&self) -> usize {
        self.local
    }

    fn updates(&self, count: usize) -> Updates {
        (self.updates)(count, self.communicator.size())
    }

    fn saves_in_parts(&self) -> bool {
        self.saves_in_parts
    }
}

#[cfg(test)]
mod tests {
    use aam_api::{Alone, InProcess, Parts, StrategyConfig};

    use super::super::data_parallel::DataParallelStrategyConfig;
    use super::super::ddp::DdpStrategyConfig;
    use super::super::fsdp::FsdpStrategyConfig;
    use super::*;

    fn context(communicator: impl Communicator + 'static) -> StrategyContext {
        StrategyContext::new(vec![Device::default()], Arc::new(communicator))
    }

    fn check<C: StrategyConfig>(config: C, expected: &Updates) {
        for rank in InProcess::ranks(3) {
            let strategy = config.init(&context(rank));
            let strategy = strategy.expect("one device is enough");
            assert_eq!(strategy.updates(7), *expected, "{}", C::NAME);
            assert_eq!(strategy.local_ranks(), 1);
        }
    }

    #[test]
    fn strategies_differ_in_who_updates_what() {
        check(DdpStrategyConfig::default(), &Updates::Everywhere);
        let first = Updates::InParts(Parts::first(7, 3));
        check(DataParallelStrategyConfig::default(), &first);
        let equal = Updates::InParts(Parts::equal(7, 3));
        check(FsdpStrategyConfig::default(), &equal);
    }

    #[test]
    fn no_rank_at_all_is_refused() {
        let none = DdpStrategyConfig { ranks: Some(0) };
        let error = none.init(&context(Alone)).expect_err("no rank").to_string();
        assert_eq!(
            error,
            "strategy 'ddp', option 'ranks': expected an integer from 1 to 256, found 0"
        );
    }
}
