//! Burn modules whose type is chosen at run time.
//!
//! `Module::visit` and `Module::map` are generic, so `Box<dyn Head>` is not a Burn module by itself.
//! [`Erased`] makes it one: parameters cross the boundary with their own types, through one method per
//! rank and kind of tensor, and control flags (such as the switch of dropout) are forwarded. A derived
//! module that holds an [`Erased`] component trains, prints, counts its parameters, saves them under
//! their ordinary paths and reloads them like any other.

use std::any::Any;
use std::fmt::Debug;
use std::ops::Deref;

use burn::module::{
    Content, Devices, DisplaySettings, Flag, Module, ModuleDisplay, ModuleDisplayDefault,
    ModuleMapper, ModuleVisitor, Param,
};
use burn::tensor::{Bool, Device, Int, Tensor};

/// A component of unknown type that is a Burn module; dereferences to its trait object `O`, such as
/// `dyn Head`.
pub struct Erased<O: ?Sized>(Box<dyn Object<O>>);

impl<O: ?Sized + 'static> Erased<O> {
    /// Erases the type of `module`, which `view` shows as an `O`.
    #[doc(hidden)]
    pub fn new<M: Module + ModuleDisplay + 'static>(module: M, view: fn(&M) -> &O) -> Self {
        Self(Box::new(Viewed { module, view }))
    }
}

impl<O: ?Sized> Deref for Erased<O> {
    type Target = O;

    fn deref(&self) -> &O {
        self.0.view()
    }
}

/// The object-safe part of [`Module`] for something that is an `O`.
trait Object<O: ?Sized>: Debug + Send {
    fn view(&self) -> &O;
    fn cloned(&self) -> Box<dyn Object<O>>;
    fn changed(self: Box<Self>, change: Change<'_>) -> Box<dyn Object<O>>;
    fn mapped(self: Box<Self>, mapper: &mut dyn AnyMapper) -> Box<dyn Object<O>>;
    fn visit(&self, visitor: &mut dyn AnyVisitor);
    fn collect_devices(&self, devices: Devices) -> Devices;
    fn format(&self, settings: DisplaySettings) -> String;
    fn num_params(&self) -> usize;
}

/// The state changes of [`Module`] that need no generic argument.
enum Change<'a> {
    ToDevice(&'a Device),
    Fork(&'a Device),
    Train,
    Valid,
    Materialize,
}

/// A component, and how to view it as an `O`.
struct Viewed<M, O: ?Sized> {
    module: M,
    view: fn(&M) -> &O,
}

impl<M: Debug, O: ?Sized> Debug for Viewed<M, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.module.fmt(f)
    }
}

impl<M: Module + ModuleDisplay + 'static, O: ?Sized + 'static> Object<O> for Viewed<M, O> {
    fn view(&self) -> &O {
        (self.view)(&self.module)
    }

    fn cloned(&self) -> Box<dyn Object<O>> {
        Box::new(Self {
            module: self.module.clone(),
            view: self.view,
        })
    }

    fn changed(self: Box<Self>, change: Change<'_>) -> Box<dyn Object<O>> {
        let Self { module, view } = *self;
        let module = match change {
            Change::ToDevice(device) => module.to_device(device),
            Change::Fork(device) => module.fork(device),
            Change::Train => module.train(),
            Change::Valid => module.valid(),
            Change::Materialize => module.materialize(),
        };
        Box::new(Self { module, view })
    }

    fn mapped(self: Box<Self>, mapper: &mut dyn AnyMapper) -> Box<dyn Object<O>> {
        let Self { module, view } = *self;
        let module = module.map(&mut ToAny(mapper));
        Box::new(Self { module, view })
    }

    fn visit(&self, visitor: &mut dyn AnyVisitor) {
        self.module.visit(&mut ToAny(visitor));
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.module.collect_devices(devices)
    }

    fn format(&self, settings: DisplaySettings) -> String {
        ModuleDisplay::format(&self.module, settings)
    }

    fn num_params(&self) -> usize {
        Module::num_params(&self.module)
    }
}

impl<O: ?Sized> Clone for Erased<O> {
    fn clone(&self) -> Self {
        Self(self.0.cloned())
    }
}

impl<O: ?Sized> Debug for Erased<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<O: ?Sized> Module for Erased<O> {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.0.visit(&mut FromAny(visitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self(self.0.mapped(&mut FromAny(mapper)))
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.changed(Change::Fork(device)))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.changed(Change::ToDevice(device)))
    }

    fn train(self) -> Self {
        Self(self.0.changed(Change::Train))
    }

    fn valid(&self) -> Self {
        Self(self.0.cloned().changed(Change::Valid))
    }

    fn materialize(self) -> Self {
        Self(self.0.changed(Change::Materialize))
    }
}

impl<O: ?Sized> ModuleDisplayDefault for Erased<O> {
    fn content(&self, content: Content) -> Option<Content> {
        let text = self.0.format(content.display_settings.clone());
        content.add_formatted(&text).optional()
    }

    fn num_params(&self) -> usize {
        self.0.num_params()
    }
}

impl<O: ?Sized> ModuleDisplay for Erased<O> {}

/// Adapts an object-safe visitor or mapper to Burn's generic one.
struct ToAny<'a, T: ?Sized>(&'a mut T);

/// Adapts Burn's generic visitor or mapper to the object-safe one.
struct FromAny<'a, T>(&'a mut T);

/// Visits parameters that are tensors of the type `T`.
trait Visit<T: Parameter> {
    fn visit(&mut self, param: &Param<T>);
}

/// Maps parameters that are tensors of the type `T`.
trait Map<T: Parameter> {
    fn map(&mut self, param: Param<T>) -> Param<T>;
}

/// A type that a parameter can have.
use burn::module::ParameterValue as Parameter;

type Visiting<T> = fn(&mut (dyn AnyVisitor + '_), &Param<T>);
type Mapping<T> = fn(&mut (dyn AnyMapper + '_), Param<T>) -> Param<T>;

/// Generates the code that depends on the types of parameters, which are tensors of Burn's ranks.
macro_rules! of_parameters {
    ($($parameter:ty),* $(,)?) => {
        /// The object-safe [`ModuleVisitor`].
        trait AnyVisitor: $(Visit<$parameter> +)* {
            fn flag(&mut self, flag: &Param<Flag>);
            fn enter(&mut self, name: &str, container: &str);
            fn exit(&mut self, name: &str, container: &str);
        }

        /// The object-safe [`ModuleMapper`].
        trait AnyMapper: $(Map<$parameter> +)* {
            fn flag(&mut self, flag: Param<Flag>) -> Param<Flag>;
            fn enter(&mut self, name: &str, container: &str);
            fn exit(&mut self, name: &str, container: &str);
        }

        /// Returns how to visit a parameter, if it has one of the types above.
        fn visiting<T: Parameter + 'static>() -> Option<Visiting<T>> {
            $(
                let known: Visiting<$parameter> = |visitor, param| visitor.visit(param);
                if let Some(visiting) = (&known as &dyn Any).downcast_ref() {
                    return Some(*visiting);
                }
            )*
            None
        }

        /// Returns how to map a parameter, if it has one of the types above.
        fn mapping<T: Parameter + 'static>() -> Option<Mapping<T>> {
            $(
                let known: Mapping<$parameter> = |mapper, param| mapper.map(param);
                if let Some(mapping) = (&known as &dyn Any).downcast_ref() {
                    return Some(*mapping);
                }
            )*
            None
        }
    };
}

of_parameters! {
    Tensor<0>, Tensor<1>, Tensor<2>, Tensor<3>, Tensor<4>,
    Tensor<5>, Tensor<6>, Tensor<7>, Tensor<8>,
    Tensor<0, Int>, Tensor<1, Int>, Tensor<2, Int>, Tensor<3, Int>, Tensor<4, Int>,
    Tensor<5, Int>, Tensor<6, Int>, Tensor<7, Int>, Tensor<8, Int>,
    Tensor<0, Bool>, Tensor<1, Bool>, Tensor<2, Bool>, Tensor<3, Bool>, Tensor<4, Bool>,
    Tensor<5, Bool>, Tensor<6, Bool>, Tensor<7, Bool>, Tensor<8, Bool>,
}

impl ToAny<'_, dyn AnyVisitor + '_> {
    /// Burn has no tensors of ranks other than those listed.
    fn any<T: Parameter + 'static>(&mut self, param: &Param<T>) {
        if let Some(visit) = visiting::<T>() {
            visit(self.0, param);
        }
    }
}

impl ToAny<'_, dyn AnyMapper + '_> {
    /// Burn has no tensors of ranks other than those listed.
    fn any<T: Parameter + 'static>(&mut self, param: Param<T>) -> Param<T> {
        match mapping::<T>() {
            Some(map) => map(self.0, param),
            None => param,
        }
    }
}

impl ModuleVisitor for ToAny<'_, dyn AnyVisitor + '_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.any(param);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.any(param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.any(param);
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

impl ModuleMapper for ToAny<'_, dyn AnyMapper + '_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.any(param)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.any(param)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.any(param)
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

impl<V: ModuleVisitor, const D: usize> Visit<Tensor<D>> for FromAny<'_, V> {
    fn visit(&mut self, param: &Param<Tensor<D>>) {
        self.0.visit_float(param);
    }
}

impl<V: ModuleVisitor, const D: usize> Visit<Tensor<D, Int>> for FromAny<'_, V> {
    fn visit(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.visit_int(param);
    }
}

impl<V: ModuleVisitor, const D: usize> Visit<Tensor<D, Bool>> for FromAny<'_, V> {
    fn visit(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.visit_bool(param);
    }
}

impl<V: ModuleVisitor> AnyVisitor for FromAny<'_, V> {
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

impl<M: ModuleMapper, const D: usize> Map<Tensor<D>> for FromAny<'_, M> {
    fn map(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0.map_float(param)
    }
}

impl<M: ModuleMapper, const D: usize> Map<Tensor<D, Int>> for FromAny<'_, M> {
    fn map(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.0.map_int(param)
    }
}

impl<M: ModuleMapper, const D: usize> Map<Tensor<D, Bool>> for FromAny<'_, M> {
    fn map(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        self.0.map_bool(param)
    }
}

impl<M: ModuleMapper> AnyMapper for FromAny<'_, M> {
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
