//! Burn modules whose type is chosen at run time.
//!
//! `Module::visit` and `Module::map` are generic, so `Box<dyn Head>` is no Burn module by itself.
//! [`Erased`] makes it one: the rank of a parameter is dispatched at run time, parameters cross the
//! boundary as `dyn Any`, and control flags (dropout's switch) are forwarded. A derived module
//! holding an [`Erased`] component trains, prints, counts, saves under its ordinary parameter
//! paths and reloads like any other. Authors of components never see this.

use std::any::Any;
use std::fmt::Debug;
use std::ops::Deref;

use burn::module::{
    Content, Devices, DisplaySettings, Flag, Module, ModuleDisplay, ModuleDisplayDefault,
    ModuleMapper, ModuleVisitor, Param,
};
use burn::tensor::{Bool, Device, Int, Tensor};

/// A component of unknown type that is a Burn module; dereferences to its trait object `O`.
pub struct Erased<O: ?Sized>(Box<O>);

impl<O: ?Sized> Erased<O> {
    pub(crate) fn new(object: Box<O>) -> Self {
        Self(object)
    }
}

impl<O: ?Sized> Deref for Erased<O> {
    type Target = O;

    fn deref(&self) -> &O {
        &self.0
    }
}

/// The object-safe part of [`Module`], with changes made in place.
pub trait DynModule: Debug + Send {
    /// Visits every parameter and flag.
    fn visit_dyn(&self, visitor: &mut dyn DynVisitor);
    /// Maps every parameter and flag.
    fn map_dyn(&mut self, mapper: &mut dyn DynMapper);
    /// Applies one of the state changes of [`Module`].
    fn change(&mut self, change: Change<'_>);
    /// Adds the devices of the parameters.
    fn collect_devices_dyn(&self, devices: Devices) -> Devices;
    /// The module as text.
    fn format_dyn(&self, settings: DisplaySettings) -> String;
    /// Number of values in all parameters.
    fn num_params_dyn(&self) -> usize;
}

/// The state changes of [`Module`] that need no generic argument.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// [`Module::to_device`].
    ToDevice(&'a Device),
    /// [`Module::fork`].
    Fork(&'a Device),
    /// [`Module::train`].
    Train,
    /// [`Module::valid`].
    Valid,
    /// [`Module::materialize`].
    Materialize,
}

/// Cloning of a trait object; implemented by `dyn HeadObject` and its like.
pub trait CloneBox {
    /// The clone.
    fn clone_box(&self) -> Box<Self>;
}

/// Holds a concrete component; `None` only while a change moves the component through itself.
#[derive(Clone, Debug)]
pub struct Holder<M>(Option<M>);

impl<M> Holder<M> {
    pub(crate) fn new(module: M) -> Self {
        Self(Some(module))
    }

    pub(crate) fn get(&self) -> &M {
        match &self.0 {
            Some(module) => module,
            None => unreachable!("a change of the module panicked half-way"),
        }
    }

    fn replace(&mut self, change: impl FnOnce(M) -> M) {
        self.0 = self.0.take().map(change);
    }
}

impl<M: Module + ModuleDisplay> DynModule for Holder<M> {
    fn visit_dyn(&self, visitor: &mut dyn DynVisitor) {
        self.get().visit(&mut ToDyn(visitor));
    }

    fn map_dyn(&mut self, mapper: &mut dyn DynMapper) {
        self.replace(|module| module.map(&mut ToDyn(mapper)));
    }

    fn change(&mut self, change: Change<'_>) {
        self.replace(|module| match change {
            Change::ToDevice(device) => module.to_device(device),
            Change::Fork(device) => module.fork(device),
            Change::Train => module.train(),
            Change::Valid => module.valid(),
            Change::Materialize => module.materialize(),
        });
    }

    fn collect_devices_dyn(&self, devices: Devices) -> Devices {
        self.get().collect_devices(devices)
    }

    fn format_dyn(&self, settings: DisplaySettings) -> String {
        ModuleDisplay::format(self.get(), settings)
    }

    fn num_params_dyn(&self) -> usize {
        Module::num_params(self.get())
    }
}

impl<O: ?Sized + CloneBox> Clone for Erased<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone_box())
    }
}

impl<O: ?Sized + DynModule> Debug for Erased<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<O: ?Sized + DynModule> Erased<O> {
    fn changed(mut self, change: Change<'_>) -> Self {
        self.0.change(change);
        self
    }
}

impl<O: ?Sized + DynModule + CloneBox> Module for Erased<O> {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.0.visit_dyn(&mut FromDyn(visitor));
    }

    fn map<M: ModuleMapper>(mut self, mapper: &mut M) -> Self {
        self.0.map_dyn(&mut FromDyn(mapper));
        self
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.collect_devices_dyn(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.changed(Change::Fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.changed(Change::ToDevice(device))
    }

    fn train(self) -> Self {
        self.changed(Change::Train)
    }

    fn valid(&self) -> Self {
        self.clone().changed(Change::Valid)
    }

    fn materialize(self) -> Self {
        self.changed(Change::Materialize)
    }
}

impl<O: ?Sized + DynModule> ModuleDisplayDefault for Erased<O> {
    fn content(&self, content: Content) -> Option<Content> {
        let text = self.0.format_dyn(content.display_settings.clone());
        content.add_formatted(&text).optional()
    }

    fn num_params(&self) -> usize {
        self.0.num_params_dyn()
    }
}

impl<O: ?Sized + DynModule> ModuleDisplay for Erased<O> {}

/// A parameter of any rank and kind, borrowed: a `Param<Tensor<rank, kind>>`.
pub struct DynParamRef<'a> {
    rank: usize,
    param: &'a dyn Any,
}

/// A parameter of any rank and kind: a `Param<Tensor<rank, kind>>`.
pub struct DynParam {
    rank: usize,
    param: Box<dyn Any>,
}

impl DynParam {
    fn new<T: Any>(rank: usize, param: T) -> Self {
        Self {
            rank,
            param: Box::new(param),
        }
    }

    fn into<T: Any>(self) -> T {
        match self.param.downcast() {
            Ok(param) => *param,
            Err(_) => unreachable!("the rank and kind of a parameter crossed unchanged"),
        }
    }
}

/// The object-safe [`ModuleVisitor`].
pub trait DynVisitor {
    /// A float parameter.
    fn float(&mut self, param: DynParamRef<'_>);
    /// An integer parameter.
    fn int(&mut self, param: DynParamRef<'_>);
    /// A boolean parameter.
    fn bool(&mut self, param: DynParamRef<'_>);
    /// A control flag.
    fn flag(&mut self, flag: &Param<Flag>);
    /// The path goes one name deeper.
    fn enter(&mut self, name: &str, container: &str);
    /// The path loses its last name.
    fn exit(&mut self, name: &str, container: &str);
}

/// The object-safe [`ModuleMapper`].
pub trait DynMapper {
    /// A float parameter.
    fn float(&mut self, param: DynParam) -> DynParam;
    /// An integer parameter.
    fn int(&mut self, param: DynParam) -> DynParam;
    /// A boolean parameter.
    fn bool(&mut self, param: DynParam) -> DynParam;
    /// A control flag.
    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag>;
    /// The path goes one name deeper.
    fn enter(&mut self, name: &str, container: &str);
    /// The path loses its last name.
    fn exit(&mut self, name: &str, container: &str);
}

/// Adapts an object-safe visitor or mapper to Burn's generic one.
struct ToDyn<'a, T: ?Sized>(&'a mut T);

/// Adapts Burn's generic visitor or mapper to the object-safe one.
struct FromDyn<'a, T>(&'a mut T);

impl ModuleVisitor for ToDyn<'_, dyn DynVisitor + '_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.float(DynParamRef { rank: D, param });
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.int(DynParamRef { rank: D, param });
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.bool(DynParamRef { rank: D, param });
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.flag(flag);
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
}

impl ModuleMapper for ToDyn<'_, dyn DynMapper + '_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0.float(DynParam::new(D, param)).into()
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.0.int(DynParam::new(D, param)).into()
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.0.bool(DynParam::new(D, param)).into()
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.flag(flag)
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
}

/// Runs `$body` with the constant `$d` equal to the run-time `$rank`; Burn's ranks end at 8.
macro_rules! with_rank {
    ($rank:expr, $d:ident => $body:expr) => {
        with_rank!(@ $rank, $d => $body; 0 1 2 3 4 5 6 7 8)
    };
    (@ $rank:expr, $d:ident => $body:expr; $($n:literal)*) => {
        match $rank {
            $($n => { const $d: usize = $n; $body })*
            rank => unreachable!("a tensor of rank {rank}"),
        }
    };
}

impl<V: ModuleVisitor> DynVisitor for FromDyn<'_, V> {
    fn float(&mut self, param: DynParamRef<'_>) {
        with_rank!(param.rank, D => if let Some(param) = param.param.downcast_ref::<Param<Tensor<D>>>() {
            self.0.visit_float(param);
        })
    }

    fn int(&mut self, param: DynParamRef<'_>) {
        with_rank!(param.rank, D => if let Some(param) = param.param.downcast_ref::<Param<Tensor<D, Int>>>() {
            self.0.visit_int(param);
        })
    }

    fn bool(&mut self, param: DynParamRef<'_>) {
        with_rank!(param.rank, D => if let Some(param) = param.param.downcast_ref::<Param<Tensor<D, Bool>>>() {
            self.0.visit_bool(param);
        })
    }

    fn flag(&mut self, flag: &Param<Flag>) {
        self.0.visit_flag(flag);
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
}

impl<M: ModuleMapper> DynMapper for FromDyn<'_, M> {
    fn float(&mut self, param: DynParam) -> DynParam {
        with_rank!(param.rank, D => DynParam::new(D, self.0.map_float(param.into::<Param<Tensor<D>>>())))
    }

    fn int(&mut self, param: DynParam) -> DynParam {
        with_rank!(param.rank, D => DynParam::new(D, self.0.map_int(param.into::<Param<Tensor<D, Int>>>())))
    }

    fn bool(&mut self, param: DynParam) -> DynParam {
        with_rank!(param.rank, D => DynParam::new(D, self.0.map_bool(param.into::<Param<Tensor<D, Bool>>>())))
    }

    fn flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.0.map_flag(flag)
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
}
