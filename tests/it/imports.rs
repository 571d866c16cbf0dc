//! Holds who may import whom: what every file names is held against the table in `rules`, and the table against code that
//! breaks it.

mod paths;
mod planted;
mod rules;

use std::{collections::BTreeSet, fs, path::Path};

use self::{
    paths::{ODD, Used},
    rules::{CONSTRUCTORS, House, Module, OUTSIDE, SANDBOX, STRONGROOM},
};

#[test]
fn the_service_imports_downwards_only() {
    holds(&STRONGROOM);
}

#[test]
fn the_sandbox_imports_downwards_only_and_nothing_of_the_service() {
    holds(&SANDBOX);
}

#[test]
fn every_module_stands_in_the_table() {
    for house in [&STRONGROOM, &SANDBOX] {
        for entry in fs::read_dir(house.folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(house.module(&[name]).is_some(), "{}: who may it import? See tests/it/imports", path.display());
        }
    }
}

fn holds(house: &House) {
    let mut broken = BTreeSet::new();
    for file in crate::tidy::files(Path::new(house.folder), "rs") {
        let within = file.strip_prefix(house.folder).unwrap().to_string_lossy().replace('\\', "/");
        broken.extend(faults(house, &within, &fs::read_to_string(&file).unwrap()));
    }
    assert!(broken.is_empty(), "\n{}", broken.into_iter().collect::<Vec<_>>().join("\n"));
}

/// What a file of the house must not name, each with the reason.
fn faults(house: &House, file: &str, source: &str) -> Vec<String> {
    let mut at: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    // A file of tests may play the other side.
    let tests = at.iter().any(|name| name == "tests");
    if at.last().is_some_and(|name| name == "mod" || name == "lib") {
        at.pop();
    }
    let used = match paths::read(source, &at, tests) {
        Ok(used) => used,
        Err(error) => return vec![format!("{file}: cannot be read: {error}")],
    };
    let told = |used: &Used| Some(format!("{file}: {}: {}", used.names.join("::"), house.objects(used)?));
    used.iter().filter_map(told).collect()
}

impl House {
    /// The line of the table that holds for a module: the innermost one.
    fn module(&self, at: &[String]) -> Option<&Module> {
        let at = if at.is_empty() { "lib".to_owned() } else { at.join("::") };
        self.modules.iter().filter(|module| is_within(&at, module.name)).max_by_key(|module| module.name.len())
    }

    fn objects(&self, used: &Used) -> Option<String> {
        if let [odd] = &used.names[..]
            && ODD.contains(&odd.as_str())
        {
            return Some("code must come in as a module, so that it is seen where it belongs".to_owned());
        }
        let (first, rest) = used.names.split_first()?;
        if first == "crate" || first == self.name {
            return self.objects_to_own(used, rest);
        }
        self.objects_to_status(used).or_else(|| self.objects_to_outside(used))
    }

    fn objects_to_own(&self, used: &Used, rest: &[String]) -> Option<String> {
        if used.test {
            return None;
        }
        let Some(first) = rest.first().filter(|first| *first != "*" && *first != "self") else {
            return Some("whoever takes the whole crate hides what it needs; name the module".to_owned());
        };
        let Some(from) = self.module(&used.at) else {
            return Some("this module has no line in the table of tests/it/imports/rules.rs".to_owned());
        };
        // What the root itself has is written in capitals.
        let item_of_root = first.starts_with(char::is_uppercase);
        let to = if item_of_root { "lib".to_owned() } else { rest.join("::") };
        if !item_of_root && self.module(rest).is_none() {
            return Some(format!("{first} has no line in the table of tests/it/imports/rules.rs"));
        }
        // A module may be named on the way to what is allowed of it: what follows is a path of its own.
        let on_the_way = |allowed: &&str| is_within(allowed, &to);
        if is_within(&to, from.name) || from.uses.iter().any(|allowed| is_within(&to, allowed) || on_the_way(allowed)) {
            return self.objects_to_status(used);
        }
        Some(format!("{} may not: {}", from.name, from.why))
    }

    /// A `Status` is made in one place, whatever it is called where it is made.
    fn objects_to_status(&self, used: &Used) -> Option<String> {
        let [.., whose, function] = &used.names[..] else { return None };
        let makes = CONSTRUCTORS.contains(&function.as_str()) || function.starts_with("with_");
        let made = makes && matches!(whose.as_str(), "Status" | "StatusExt");
        // The domain and the adapter cannot name tonic; what is called Status there is theirs.
        let ours = used.names[0] != "crate" || ["rpc", "proto", "cli", "app"].contains(&used.names[1].as_str());
        let at = used.at.join("::");
        let home = self.status.iter().any(|home| is_within(&at, home));
        (made && ours && !home && !used.test).then(|| "a Status is made in rpc/status, and logged there".to_owned())
    }

    fn objects_to_outside(&self, used: &Used) -> Option<String> {
        let name = used.names.join("::");
        let at = if used.at.is_empty() { "lib".to_owned() } else { used.at.join("::") };
        let is = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => used.names[0].starts_with(beginning),
            None => is_within(&name, pattern),
        };
        for rule in self.outside {
            if rule.crates.iter().any(|pattern| is(pattern))
                && !(used.test && rule.tests_may)
                && !rule.homes.iter().any(|home| is_within(&at, home))
            {
                return Some(rule.why.to_owned());
            }
        }
        let from = self.module(&used.at)?;
        let known = || dependencies().contains(&used.names[0]) || OUTSIDE.contains(&used.names[0].as_str());
        match from.outside {
            Some(allowed) if !used.test && known() && !allowed.iter().any(|pattern| is(pattern)) => {
                Some(format!("{} may not: {}", from.name, from.why))
            }
            Some(_) | None => None,
        }
    }
}

/// Whether a path is `outer`, or something in it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The crates that the service is built with, as code spells them.
fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let names = manifest.lines().filter_map(|line| line.split_once([' ', '.', '=']));
    names.map(|(name, _)| name.replace('-', "_")).filter(|name| !name.is_empty()).collect()
}
