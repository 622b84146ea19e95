//! How a kind is defined, and how a component is registered.

/// Defines a kind of component: its marker type, the trait of its configs, the type of its components
/// and its entry among the [`kinds`](crate::kind::kinds).
///
/// The kind's context and the trait that its components implement are written separately. The body of
/// the struct holds the items of [`Kind`](crate::Kind). The trait has one item: the type that a config
/// builds, bounded by the components' trait. The type alias says how a component of unknown type is
/// held:
///
/// - `module`: a Burn module of its own, [`Erased<dyn Trait>`](crate::Erased), which trains and is
///   saved as part of a model. Configs are built with `init(&self, &Context, &Device)`.
/// - `boxed`: `Box<dyn Trait>`; `shared`: `Arc<dyn Trait>`. Configs are built with
///   `init(&self, &Context)`.
///
/// If configs have another shape (a target transform is fitted, a metric has a descriptor), their
/// trait is written separately, too, and the struct is followed by how a component is built from one:
/// `fn build<C: MyConfig>(C::NAME, C::ALIASES) = |config, context| …;`.
///
/// Any crate may define a kind, and other crates then register components of it:
///
/// ```
/// use aam_api::{Choice, Kind, PluginError, Registry, Stage};
/// use burn::tensor::Device;
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// /// Changes the counts of a sample before the model sees them.
/// pub trait ReadFilter: Send + Sync {
///     /// Returns new counts of the same number of ASVs.
///     fn filtered(&self, counts: Vec<f32>) -> Vec<f32>;
/// }
///
/// /// What a filter is built from.
/// #[derive(Debug, Default)]
/// pub struct ReadFilterContext {}
///
/// aam_api::define_kind! {
///     /// The kind of [`ReadFilter`]s.
///     pub struct ReadFilterKind: Kind<Context = ReadFilterContext> {
///         const NAME: &'static str = "read-filter";
///         const SUMMARY: &'static str = "Changes the counts of samples in training";
///         const CHOSEN_IN: &'static [Stage] = &[Stage::Training];
///     }
///
///     /// The options of a filter and how to build it.
///     pub trait ReadFilterConfig {
///         /// What it builds.
///         type Filter: ReadFilter;
///     }
///
///     /// A filter of any type.
///     pub type AnyReadFilter = boxed;
/// }
///
/// /// Leaves out every other count.
/// #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
/// #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
/// pub struct HalfConfig {}
///
/// pub struct Half;
///
/// impl ReadFilter for Half {
///     fn filtered(&self, counts: Vec<f32>) -> Vec<f32> {
///         let kept = counts.into_iter().enumerate();
///         kept.map(|(i, count)| if i % 2 == 0 { count } else { 0.0 }).collect()
///     }
/// }
///
/// impl ReadFilterConfig for HalfConfig {
///     const NAME: &'static str = "half";
///     type Filter = Half;
///     fn init(&self, _: &ReadFilterContext) -> Result<Half, PluginError> {
///         Ok(Half)
///     }
/// }
///
/// aam_api::register!(ReadFilterKind, HalfConfig);
///
/// let known = Registry::<ReadFilterKind>::load()?;
/// let half = known.resolve(&Choice::named("half"))?;
/// let half = known.build(&half, &ReadFilterContext::default(), &Device::default())?;
/// assert_eq!(half.filtered(vec![1.0, 2.0, 3.0]), [1.0, 0.0, 3.0]);
/// let kinds = aam_api::kind::kinds()?;
/// assert!(kinds.iter().any(|kind| kind.name == "read-filter"));
/// # Ok::<(), PluginError>(())
/// ```
#[macro_export]
macro_rules! define_kind {
    (
        $(#[$kind_attribute:meta])*
        $kind_visibility:vis struct $kind:ident: Kind<Context = $context:ty> { $($items:tt)* }

        $(#[$config_attribute:meta])*
        $config_visibility:vis trait $config:ident {
            $(#[$built_attribute:meta])*
            type $built:ident: $object:path;
        }

        $(#[$component_attribute:meta])*
        $component_visibility:vis type $component:ident = $form:ident;
    ) => {
        $crate::define_kind! {
            @kind { $(#[$kind_attribute])* } { $kind_visibility } $kind $context, $component,
            { $($items)* }
        }

        $crate::define_kind! {
            @$form
            $kind $context, $object, $config, $built,
            { $(#[$config_attribute])* $config_visibility }
            { $(#[$built_attribute])* }
            { $(#[$component_attribute])* $component_visibility type $component }
        }
    };
    (
        $(#[$kind_attribute:meta])*
        $kind_visibility:vis struct $kind:ident:
            Kind<Context = $context:ty, Component = $component:ty> { $($items:tt)* }

        fn build<$config:ident: $bound:path>($name:expr, $aliases:expr) = $build:expr;
    ) => {
        $crate::define_kind! {
            @kind { $(#[$kind_attribute])* } { $kind_visibility } $kind $context, $component,
            { $($items)* }
        }

        impl<$config: $bound> $crate::plumbing::Builds<$config> for $kind {
            const COMPONENT: &'static str = $name;
            const COMPONENT_ALIASES: &'static [&'static str] = $aliases;

            fn build(
                config: &$config,
                context: &$context,
                _device: &$crate::plumbing::Device,
            ) -> Result<$component, $crate::PluginError> {
                let build: fn(&$config, &$context) -> Result<$component, $crate::PluginError> =
                    $build;
                build(config, context)
            }
        }
    };
    (
        @kind { $($attributes:tt)* } { $($visibility:tt)* } $kind:ident $context:ty, $component:ty,
        { $($items:tt)* }
    ) => {
        $($attributes)*
        #[derive(Clone, Copy, Debug)]
        $($visibility)* struct $kind;

        impl $crate::Kind for $kind {
            type Context = $context;
            type Component = $component;
            $($items)*
        }

        $crate::plumbing::inventory::submit! {
            $crate::KindEntry::of::<$kind>(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        }
    };
    (
        @module
        $kind:ident $context:ty, $object:path, $config:ident, $built:ident,
        { $($config_start:tt)* } { $($built_start:tt)* } { $($component_start:tt)* }
    ) => {
        $($component_start)* = $crate::Erased<dyn $object>;

        $($config_start)* trait $config: $crate::Config {
            /// The name by which users choose it, in kebab-case.
            const NAME: &'static str;
            /// Further names by which users may choose it.
            const ALIASES: &'static [&'static str] = &[];
            /// Whether what it builds publishes attention weights
            /// (`Observation::attention`) with its results, as
            /// `aam explain --attention` writes them: fusions and heads in their observations,
            /// sample encoders by a method of their own.
            const PUBLISHES_ATTENTION: bool = false;
            $($built_start)*
            type $built: $object
                + $crate::plumbing::Module
                + $crate::plumbing::ModuleDisplay
                + 'static;

            /// Builds it.
            ///
            /// # Errors
            /// An option out of range ([`PluginError::bad_option`]($crate::PluginError::bad_option)),
            /// or something that the run lacks ([`PluginError::needs`]($crate::PluginError::needs)).
            fn init(
                &self,
                context: &$context,
                device: &$crate::plumbing::Device,
            ) -> Result<Self::$built, $crate::PluginError>;
        }

        impl<C: $config> $crate::plumbing::Builds<C> for $kind {
            const COMPONENT: &'static str = C::NAME;
            const COMPONENT_ALIASES: &'static [&'static str] = C::ALIASES;
            const COMPONENT_PUBLISHES_ATTENTION: bool = C::PUBLISHES_ATTENTION;

            fn build(
                config: &C,
                context: &$context,
                device: &$crate::plumbing::Device,
            ) -> Result<<Self as $crate::Kind>::Component, $crate::PluginError> {
                let module = config.init(context, device)?;
                Ok($crate::Erased::new(module, |module| module))
            }
        }
    };
    (@boxed $($rest:tt)*) => {
        $crate::define_kind! { @pointer ($crate::plumbing::Box) $($rest)* }
    };
    (@shared $($rest:tt)*) => {
        $crate::define_kind! { @pointer ($crate::plumbing::Arc) $($rest)* }
    };
    (
        @pointer ($($pointer:tt)*)
        $kind:ident $context:ty, $object:path, $config:ident, $built:ident,
        { $($config_start:tt)* } { $($built_start:tt)* } { $($component_start:tt)* }
    ) => {
        $($component_start)* = $($pointer)*<dyn $object>;

        $($config_start)* trait $config: $crate::Config {
            /// The name by which users choose it, in kebab-case.
            const NAME: &'static str;
            /// Further names by which users may choose it.
            const ALIASES: &'static [&'static str] = &[];
            $($built_start)*
            type $built: $object + 'static;

            /// Builds it.
            ///
            /// # Errors
            /// An option out of range ([`PluginError::bad_option`]($crate::PluginError::bad_option)),
            /// or something that the run lacks ([`PluginError::needs`]($crate::PluginError::needs)).
            fn init(&self, context: &$context) -> Result<Self::$built, $crate::PluginError>;
        }

        impl<C: $config> $crate::plumbing::Builds<C> for $kind {
            const COMPONENT: &'static str = C::NAME;
            const COMPONENT_ALIASES: &'static [&'static str] = C::ALIASES;

            fn build(
                config: &C,
                context: &$context,
                _device: &$crate::plumbing::Device,
            ) -> Result<<Self as $crate::Kind>::Component, $crate::PluginError> {
                Ok($($pointer)*::new(config.init(context)?))
            }
        }
    };
}

/// Registers a component of a kind by its config: `register!(HeadKind, PlainHeadConfig)`.
#[macro_export]
macro_rules! register {
    ($kind:ty, $config:ty $(,)?) => {
        const _: () = {
            static PLUGIN: $crate::Plugin<$kind> = $crate::Plugin::<$kind>::of::<$config>(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
            );
            $crate::plumbing::inventory::submit! { $crate::plumbing::Registration::new(&PLUGIN) }
        };
    };
}
