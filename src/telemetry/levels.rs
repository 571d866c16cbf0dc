//! What is logged, and how that is changed while the server runs.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt, FilterFn, LevelFilter, ParseError, Targets, filter_fn},
    layer::Filter,
    reload,
};

use crate::config::LogFilter;

/// The targets of this program.
const OURS: [&str; 2] = ["strongroom", "strongroom_sandbox"];

/// The level, as it holds, and the layers that follow it.
#[derive(Clone)]
pub(super) struct Levels(Arc<Mutex<Holding>>);

struct Holding {
    directives: LogFilter,
    followers: Vec<Follower>,
}

/// Hands a layer its new filter.
type Follower = Box<dyn Fn(EnvFilter) + Send>;

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Levels").field(&self.now()).finish()
    }
}

impl Levels {
    pub(super) fn new(directives: &LogFilter) -> Self {
        Self(Arc::new(Mutex::new(Holding { directives: directives.clone(), followers: Vec::new() })))
    }

    /// The directives that hold.
    pub(super) fn now(&self) -> LogFilter {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).directives.clone()
    }

    /// Whether lines of a module are written at a level. `tracing::enabled!` would not do: what it leaves behind where the
    /// answer is no swallows the next line of the thread.
    pub(super) fn tell(&self, module: &str, level: Level) -> bool {
        let directives = meant(self.now().as_str());
        // Of spans it cannot be known; where they have directives, lines are asked for.
        directives.contains('[')
            || directives.parse::<Targets>().is_ok_and(|targets| targets.would_enable(module, &level))
    }

    /// The filter of a layer, which follows every change.
    pub(super) fn followed<S>(&self) -> Result<impl Filter<S> + use<S>, ParseError>
    where
        S: Subscriber,
    {
        let mut holding = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (filter, handle) = reload::Layer::<EnvFilter, S>::new(filter(&holding.directives)?);
        // Fails where the layer is gone, and then nothing is to be filtered.
        holding.followers.push(Box::new(move |filter| _ = handle.reload(filter)));
        Ok(filter.and(fit_to_tell()))
    }

    /// Logs by other directives from now on.
    pub(super) fn change(&self, directives: LogFilter) -> Result<(), ParseError> {
        let mut holding = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for follower in &holding.followers {
            follower(filter(&directives)?);
        }
        holding.directives = directives;
        Ok(())
    }
}

fn filter(directives: &LogFilter) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(meant(directives.as_str()))
}

/// A level below `info` that stands alone is meant for this program: of the libraries below it, `debug` would be thousands of
/// lines a call. Whoever wants theirs names them.
fn meant(directives: &str) -> String {
    let (mut alone, mut named) = (Vec::new(), Vec::new());
    for part in directives.split(',').map(str::trim) {
        match part.to_ascii_lowercase().as_str() {
            level @ ("debug" | "trace") => {
                alone.push("info".to_owned());
                alone.extend(OURS.iter().map(|target| format!("{target}={level}")));
            }
            _ => named.push(part.to_owned()),
        }
    }
    alone.append(&mut named);
    alone.join(",")
}

/// Tells at `info` how it made what of a profile, the id of the access key included.
const TELLS_KEY_IDS: &str = "aws_config::profile::credentials";

/// Libraries tell at `trace` what they send and are sent, headers and bodies and keys, and one of them ids of keys above it:
/// whatever anybody asks for, that is in no log.
fn fit_to_tell() -> FilterFn<impl Fn(&Metadata<'_>) -> bool + Clone> {
    // Without a hint, what is disabled everywhere would be asked for at every call all the same.
    let fits = |metadata: &Metadata<'_>| {
        let most = if metadata.target() == TELLS_KEY_IDS { Level::WARN } else { Level::DEBUG };
        is_ours(metadata.target()) || *metadata.level() <= most
    };
    filter_fn(fits).with_max_level_hint(LevelFilter::TRACE)
}

fn is_ours(target: &str) -> bool {
    OURS.contains(&target.split("::").next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_stands_alone_is_of_this_program_below_info() {
        for level in ["error", "warn", "info", "off", "INFO", "info,aws_config=debug"] {
            assert_eq!(meant(level), level);
        }
        assert_eq!(meant("debug"), "info,strongroom=debug,strongroom_sandbox=debug");
        assert_eq!(
            meant("strongroom::aws=warn, TRACE"),
            "info,strongroom=trace,strongroom_sandbox=trace,strongroom::aws=warn"
        );
    }

    #[test]
    fn whether_a_module_tells_is_known_without_asking_for_it() {
        let tells = |text| Levels::new(&LogFilter::new(text).unwrap()).tell("strongroom::telemetry", Level::WARN);
        for text in ["info", "warn", "trace", "off,strongroom=debug", "error,[rpc]=debug"] {
            assert!(tells(text), "{text}");
        }
        for text in ["off", "error", "off,strongroom::aws=debug", "info,strongroom::telemetry=off"] {
            assert!(!tells(text), "{text}");
        }
    }

    #[test]
    fn targets_are_of_this_program_by_their_crate() {
        assert!(is_ours("strongroom") && is_ours("strongroom::aws::call") && is_ours("strongroom_sandbox::http"));
        assert!(!is_ours("strongroom_other") && !is_ours("aws_config") && !is_ours(""));
    }
}
