//! What the strategies of several ranks have in common.

use std::sync::Arc;

use aam_api::{Communicator, Kind, PluginError, StrategyContext, StrategyKind};
use burn::tensor::Device;

/// Most ranks of one process.
const MOST: usize = 256;

/// One rank: its device, its connection to the others, and how many the user wants.
#[derive(Clone, Debug)]
pub(super) struct Rank {
    pub(super) device: Device,
    pub(super) communicator: Arc<dyn Communicator>,
    pub(super) wanted: usize,
}

impl Rank {
    /// This rank of the strategy called `name`. `wanted` ranks of this process are one for each
    /// device unless the user says otherwise; a rank has the device of its number, and the first
    /// again after the last.
    pub(super) fn new(
        name: &'static str,
        wanted: Option<usize>,
        context: &StrategyContext,
    ) -> Result<Self, PluginError> {
        let wanted = wanted.unwrap_or(context.devices.len());
        if !(1..=MOST).contains(&wanted) {
            let expected = format!("an integer from 1 to {MOST}");
            let kind = StrategyKind::NAME;
            return Err(PluginError::bad_option(
                kind, name, "ranks", expected, wanted,
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
            wanted,
        })
    }
}
