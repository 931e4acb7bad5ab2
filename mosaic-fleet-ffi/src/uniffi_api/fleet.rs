//! Fleets, their streams, and what needs no fleet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mosaic_fleet::registry::Context;
use mosaic_fleet::{ErrorKind, Registry, Result, wire};
use serde_json::Value;

use super::news::teller;
use super::{Carrier, FleetError, News, json, runtime};

/// A fleet. Cheap to hold; its calls may be made at the same time.
#[derive(Debug, uniffi::Object)]
pub struct Fleet {
    fleet: mosaic_fleet::Fleet,
}

#[uniffi::export]
impl Fleet {
    /// Opens a fleet. Reads files; talks to no backend. `arguments` are those of
    /// [`mosaic_fleet::wire::open`], and `transports` are known besides those that are built in.
    ///
    /// # Errors
    /// As [`mosaic_fleet::wire::open`].
    #[uniffi::constructor]
    pub fn open(arguments: String, transports: Vec<Arc<Carrier>>) -> Result<Arc<Self>, FleetError> {
        let registry = registry(&transports)?;
        let handle = runtime::handle()?;
        let _entered = handle.enter();
        let fleet = wire::open(json(&arguments)?, registry)?;
        Ok(Arc::new(Fleet { fleet }))
    }

    /// Calls an operation by its name; [`mosaic_fleet::wire::call`] knows them.
    ///
    /// # Errors
    /// As the operation.
    pub async fn call(
        &self,
        operation: String,
        arguments: String,
        news: Option<Arc<dyn News>>,
    ) -> Result<String, FleetError> {
        let fleet = self.fleet.clone();
        let call = async move {
            let mut news = teller(news);
            let answer = wire::call(&fleet, &operation, json(&arguments)?, &mut news).await?;
            Ok(answer.to_string())
        };
        runtime::run(call).await
    }

    /// What an agent shows from now on. `arguments` are those of `tail`.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn follow(&self, arguments: String) -> Result<Arc<Stream>, FleetError> {
        let stream = wire::Stream::follow(&self.fleet, json(&arguments)?)?;
        Ok(Stream::of(stream))
    }

    /// How agents are, and each change. `arguments`: `{names}`.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn watch(&self, arguments: String) -> Result<Arc<Stream>, FleetError> {
        let stream = wire::Stream::watch(&self.fleet, json(&arguments)?)?;
        Ok(Stream::of(stream))
    }
}

/// The transports that are built in and those that are given, which go before one of their scheme.
fn registry(given: &[Arc<Carrier>]) -> Result<Registry> {
    let builtin = Registry::builtin();
    let is_given = |scheme: &str| given.iter().any(|carrier| carrier.scheme() == scheme);
    if !builtin.schemes().any(is_given) {
        return with(builtin, given);
    }
    let mut registry = with(Registry::new(), given)?;
    let others = builtin.schemes().filter(|scheme| !is_given(scheme));
    let others: Vec<String> = others.map(str::to_owned).collect();
    let builtin = Arc::new(builtin);
    for scheme in others {
        let (builtin, known) = (builtin.clone(), scheme.clone());
        let open = move |block: &Value, context: &Context| builtin.open(&known, block, context);
        registry.register(&scheme, Arc::new(open))?;
    }
    Ok(registry)
}

fn with(mut registry: Registry, given: &[Arc<Carrier>]) -> Result<Registry> {
    for carrier in given {
        wire::register(&mut registry, carrier.transport.clone())?;
    }
    Ok(registry)
}

/// Pieces that come one after the other.
#[derive(Debug, uniffi::Object)]
pub struct Stream {
    stream: Arc<wire::Stream>,
}

impl Stream {
    fn of(stream: wire::Stream) -> Arc<Self> {
        let stream = Arc::new(stream);
        Arc::new(Stream { stream })
    }
}

#[uniffi::export]
impl Stream {
    /// The next piece as JSON; nothing at the end.
    ///
    /// # Errors
    /// As the operation; the stream has ended then.
    pub async fn next(&self) -> Result<Option<String>, FleetError> {
        let stream = self.stream.clone();
        let next = async move { Ok(stream.next().await?.map(|piece| piece.to_string())) };
        runtime::run(next).await
    }

    /// Ends the stream, also for a call of `next` that waits.
    pub fn close(&self) {
        self.stream.close();
    }
}

/// Calls an operation that needs no fleet; [`mosaic_fleet::wire::call_free`] knows them.
/// `environment` is the caller's variables.
///
/// # Errors
/// As the operation.
#[uniffi::export]
pub async fn call_free(
    environment: HashMap<String, String>,
    operation: String,
    arguments: String,
    news: Option<Arc<dyn News>>,
) -> Result<String, FleetError> {
    let call = async move {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let mut news = teller(news);
        let arguments = json(&arguments)?;
        let answer = wire::call_free(&environment, &operation, arguments, &mut news).await?;
        Ok(answer.to_string())
    };
    runtime::run(call).await
}

/// As [`call_free`], and waits in the caller's thread: for what only reads texts and files.
///
/// # Errors
/// As the operation.
#[uniffi::export]
pub fn call_free_now(
    environment: HashMap<String, String>,
    operation: String,
    arguments: String,
) -> Result<String, FleetError> {
    runtime::run_here(async {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let arguments = json(&arguments)?;
        let answer = wire::call_free(&environment, &operation, arguments, &mut |_| ()).await?;
        Ok(answer.to_string())
    })
}

/// Every code that an error can have, with its number.
#[uniffi::export]
pub fn error_codes() -> HashMap<String, u32> {
    let codes = ErrorKind::ALL.into_iter();
    codes
        .map(|kind| (kind.as_str().to_owned(), kind.number()))
        .collect()
}
