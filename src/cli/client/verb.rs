//! What a command is: a noun and a verb, the call they make, and what is asked, waited for and shown besides.

/// A command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verb {
    pub(super) noun: &'static str,
    pub(super) name: &'static str,
    /// The call it makes, such as `VaultService/GetVault`.
    pub(super) rpc: &'static str,
    /// Fields of the request that are given by position, with dots those of a message in it.
    pub(super) takes: &'static [&'static str],
    pub(super) asks: Asks,
    pub(super) waits: Waits,
    /// The call by which `--watch` goes on with what was listed.
    pub(super) watches: Option<&'static str>,
    pub(super) example: &'static str,
    /// What the command does beyond the call or otherwise than it; the help begins with that.
    pub(super) opens: Option<&'static str>,
}

/// Whether the user is asked before what is not easily undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Never,
    /// Told is what the command brings about.
    Always(&'static str),
    /// At a terminal, when the server says that rules would be gone from a plan.
    WhenRulesGo,
}

/// Whether a command waits for the job in its answer: `Asked` with `--wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    Never,
    Asked,
    Always,
}

pub(super) const fn verb(
    noun: &'static str,
    name: &'static str,
    rpc: &'static str,
    takes: &'static [&'static str],
    example: &'static str,
) -> Verb {
    Verb { noun, name, rpc, takes, asks: Asks::Never, waits: Waits::Never, watches: None, example, opens: None }
}

impl Verb {
    pub(super) const fn asks(self, consequence: &'static str) -> Self {
        Self { asks: Asks::Always(consequence), ..self }
    }

    pub(super) const fn asks_when_rules_go(self) -> Self {
        Self { asks: Asks::WhenRulesGo, ..self }
    }

    pub(super) const fn waits(self, waits: Waits) -> Self {
        Self { waits, ..self }
    }

    pub(super) const fn watches(self, rpc: &'static str) -> Self {
        Self { watches: Some(rpc), ..self }
    }

    pub(super) const fn opens(self, sentence: &'static str) -> Self {
        Self { opens: Some(sentence), ..self }
    }
}
