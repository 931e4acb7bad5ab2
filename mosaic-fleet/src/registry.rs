//! Which transports a program knows: a factory for each scheme, registered by hand.
//!
//! Nothing registers itself before `main` and nothing is loaded at run time; a program that adds a
//! transport calls [`Registry::register`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::agent::AgentName;
use crate::error::{Error, Result, nearest};
use crate::layer;
use crate::runtime::Catalog;
use crate::transport::DynTransport;
#[cfg(feature = "matrix")]
use crate::transport::matrix::{MATRIX_SCHEME, MatrixConfig, MatrixTransport};
use crate::transport::memory::{MemoryOptions, MemoryTransport};
use crate::transport::tmux::{DEFAULT_SCHEME, Destination, Timing, TmuxConfig, TmuxTransport};

/// Makes a transport from a roster's block for its scheme (`null` where there is none). The block
/// is the factory's own: nobody else reads it.
pub type Factory = Arc<dyn Fn(&Value, &Context) -> Result<DynTransport> + Send + Sync>;

/// What a factory may need besides the roster's block. Given, never read from the process, so that
/// two fleets of one program do not meet.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Context {
    /// Environment variables, as the caller chose to pass them.
    pub environment: BTreeMap<String, String>,
    /// The instance that the caller named (`--socket`); it wins over environment and roster.
    pub instance: Option<String>,
    /// The manifests; the shipped ones where there are none.
    pub catalog: Option<Catalog>,
    /// Each agent's runtime.
    pub runtimes: BTreeMap<AgentName, String>,
    /// The caller stays: a transport may keep a connection.
    pub lasting: bool,
    /// How long the steps of a send may take, where the transport types.
    pub timing: Option<Timing>,
    /// The host that the agents are on, as the roster's `host` names it; this one when left out.
    pub host: Option<String>,
}

impl Context {
    /// No environment, no choice of an instance.
    pub fn new() -> Self {
        Self::default()
    }

    /// Passes environment variables.
    #[must_use]
    pub fn with_environment(
        mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.environment.extend(environment);
        self
    }

    /// Names the instance.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Passes the manifests.
    #[must_use]
    pub fn with_catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// Says which agent has which runtime.
    #[must_use]
    pub fn with_runtimes(
        mut self,
        runtimes: impl IntoIterator<Item = (AgentName, String)>,
    ) -> Self {
        self.runtimes.extend(runtimes);
        self
    }

    /// Says that the caller stays, and a connection is worth its while.
    #[must_use]
    pub fn with_lasting(mut self, lasting: bool) -> Self {
        self.lasting = lasting;
        self
    }

    /// Sets how long the steps of a send may take.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = Some(timing);
        self
    }

    /// Names the host that the agents are on.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }
}

/// Which hosts the transports of a scheme reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// This one only: an agent that is said to be elsewhere is refused.
    ThisHost,
    /// One transport for each host ([`Context::host`]).
    EachHost,
    /// One transport knows where all of its agents are.
    Everywhere,
}

/// Scheme to factory.
///
/// ```
/// use mosaic_fleet::registry::{Context, Registry};
///
/// let block = serde_json::json!({ "instance": "demo", "agents": ["coder0"] });
/// let transport = Registry::builtin().open("memory", &block, &Context::new())?;
/// assert_eq!(transport.info().to_string(), "memory:demo");
/// # Ok::<(), mosaic_fleet::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    factories: BTreeMap<String, (Factory, Reach)>,
}

impl Registry {
    /// Knows no scheme.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows every transport that this build has.
    pub fn builtin() -> Self {
        let mut registry = Self::new();
        let builtin: [(&str, Factory, Reach); 2] = [
            ("memory", Arc::new(open_memory), Reach::ThisHost),
            (DEFAULT_SCHEME, Arc::new(open_tmux), Reach::EachHost),
        ];
        for (scheme, factory, reach) in builtin {
            let scheme = scheme.to_owned();
            registry.factories.insert(scheme, (factory, reach));
        }
        #[cfg(feature = "matrix")]
        registry.factories.insert(
            MATRIX_SCHEME.to_owned(),
            (Arc::new(open_matrix), Reach::Everywhere),
        );
        registry
    }

    /// Adds the factory of a scheme that reaches agents on this host only.
    ///
    /// # Errors
    /// `InvalidArgument` when the scheme is taken, or is not a lower-case word (`[a-z][a-z0-9-]*`).
    pub fn register(&mut self, scheme: &str, factory: Factory) -> Result<()> {
        self.register_reaching(scheme, Reach::ThisHost, factory)
    }

    /// Adds the factory of a scheme, and says which hosts it reaches.
    ///
    /// # Errors
    /// As [`register`](Registry::register).
    pub fn register_reaching(
        &mut self,
        scheme: &str,
        reach: Reach,
        factory: Factory,
    ) -> Result<()> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !scheme.starts_with(|c: char| c.is_ascii_lowercase()) || !scheme.chars().all(fits) {
            return Err(Error::invalid_argument(format!(
                "bad transport scheme {scheme:?}: write a lower-case word"
            )));
        }
        if self.factories.contains_key(scheme) {
            return Err(Error::invalid_argument(format!(
                "the transport scheme {scheme:?} is taken"
            )));
        }
        self.factories.insert(scheme.to_owned(), (factory, reach));
        Ok(())
    }

    /// Opens a transport and puts the [standard layers](layer::standard) around it.
    ///
    /// # Errors
    /// `ConfigInvalid` for a scheme that nobody registered; otherwise what the factory met with.
    pub fn open(&self, scheme: &str, block: &Value, context: &Context) -> Result<DynTransport> {
        let Some((factory, reach)) = self.factories.get(scheme) else {
            return Err(self.unknown(scheme));
        };
        if let (Reach::ThisHost, Some(host)) = (reach, &context.host) {
            return Err(
                Error::unsupported(format!("{scheme} on another host ({host})"))
                    .with_hint("run mosaic-fleet on that host, or leave `host` out"),
            );
        }
        let transport = factory(block, context)
            .map_err(|error| error.with_operation("open").with_transport(scheme))?;
        Ok(layer::standard(transport))
    }

    /// Which hosts a scheme reaches; nothing for one that nobody registered.
    pub fn reach(&self, scheme: &str) -> Option<Reach> {
        self.factories.get(scheme).map(|(_, reach)| *reach)
    }

    /// The schemes, in alphabetical order.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    fn unknown(&self, scheme: &str) -> Error {
        let known: Vec<_> = self.schemes().collect();
        let near = nearest(scheme, known.iter().copied());
        let suggestion = near.map(|near| format!(" (did you mean {near}?)"));
        let error = Error::config_invalid(format!(
            "no such transport {scheme:?}{}",
            suggestion.unwrap_or_default()
        ))
        .with_operation("open");
        if known.is_empty() {
            error.with_hint("register a transport first")
        } else {
            error.with_hint(format!("use one of: {}", known.join(", ")))
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.factories.keys()).finish()
    }
}

/// What the roster's `tmux:` block and the caller say of the server.
pub(crate) fn tmux_config(block: &Value, context: &Context) -> Result<TmuxConfig> {
    let environment = context.environment.clone();
    let named = context
        .instance
        .as_deref()
        .or(environment.get("MOSAIC_TMUX_SOCKET").map(String::as_str))
        .filter(|named| !named.is_empty())
        .map(str::to_owned);
    let mut config = TmuxConfig::from_block(block, named.as_deref(), environment)?;
    if let Some(catalog) = &context.catalog {
        config.catalog = catalog.clone();
    }
    if let Some(timing) = context.timing {
        config.timing = timing;
    }
    config.runtimes.clone_from(&context.runtimes);
    match &context.host {
        Some(host) => Ok(config.on(Destination::new(host.as_str())?)),
        None => Ok(config),
    }
}

fn open_tmux(block: &Value, context: &Context) -> Result<DynTransport> {
    let config = tmux_config(block, context)?;
    Ok(if context.lasting {
        Arc::new(TmuxTransport::connect(config))
    } else {
        Arc::new(TmuxTransport::one_shot(config))
    })
}

#[cfg(feature = "matrix")]
fn open_matrix(block: &Value, context: &Context) -> Result<DynTransport> {
    let config = MatrixConfig::from_block(block, &context.environment)?;
    Ok(Arc::new(MatrixTransport::new(config)?))
}

fn open_memory(block: &Value, context: &Context) -> Result<DynTransport> {
    let options = if block.is_null() {
        MemoryOptions::new()
    } else {
        MemoryOptions::deserialize(block)
            .map_err(|error| Error::config_invalid(error.to_string()).with_source(error))?
    };
    let options = match &context.instance {
        Some(instance) => options.with_instance(instance),
        None => options,
    };
    Ok(Arc::new(MemoryTransport::with_options(options)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use serde_json::json;

    #[test]
    fn an_unknown_scheme_is_told_with_the_nearest() {
        let error = Registry::builtin()
            .open("memry", &Value::Null, &Context::new())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert_eq!(
            error.to_string(),
            "open: no such transport \"memry\" (did you mean memory?)"
        );
        assert!(error.hint().unwrap().contains("memory"));
    }

    #[test]
    fn a_scheme_is_registered_once_and_in_lower_case() {
        let mut registry = Registry::new();
        assert_eq!(registry.schemes().count(), 0);
        registry.register("slack", Arc::new(open_memory)).unwrap();
        for bad in ["slack", "", "Slack", "my scheme", "9p", "a:b"] {
            let error = registry.register(bad, Arc::new(open_memory)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{bad:?}");
        }
        assert_eq!(registry.schemes().collect::<Vec<_>>(), ["slack"]);
    }

    #[test]
    fn the_caller_s_instance_wins_over_the_block() {
        let context = Context::new().with_instance("mine");
        let block = json!({ "instance": "theirs" });
        let transport = Registry::builtin().open("memory", &block, &context);
        assert_eq!(transport.unwrap().info().to_string(), "memory:mine");
    }

    #[test]
    fn a_bad_block_names_scheme_and_cause() {
        for bad in [json!({ "agent": [] }), json!({ "agents": ["a.b"] })] {
            let error = Registry::builtin()
                .open("memory", &bad, &Context::new())
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{error}");
            assert_eq!(error.transport(), Some("memory"));
            assert!(std::error::Error::source(&error).is_some());
        }
    }
}
