//! Reads the paths out of a file of Rust, whole and from the root: every import, however it is nested or renamed, and
//! every path in code, types, attributes and macros.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::{
    Attribute, ExprPath, File, ImplItemFn, ItemEnum, ItemExternCrate, ItemFn, ItemImpl, ItemMod, ItemStruct, ItemTrait,
    ItemType, ItemUse, Macro, Meta, MetaList, Path, Type, TypePath, UseTree, VisRestricted,
    visit::{self, Visit},
};

/// A path that a file names.
#[derive(Debug, Clone)]
pub(super) struct Used {
    /// The module in which it is named; the root is empty.
    pub(super) at: Vec<String>,
    /// `crate` first for the crate's own; for every other path its first word as it stands in the code. What is no path
    /// and is to be seen all the same has one of [`ODD`].
    pub(super) names: Vec<String>,
    /// Whether only tests are built with it.
    pub(super) test: bool,
}

/// What brings code in past the modules, and so past these rules.
pub(super) const ODD: [&str; 3] = ["#[path]", "include!", "mod tests without #[cfg(test)]"];

/// More renames in a row than anybody writes; a ring of them ends here.
const MOST_RENAMES: usize = 8;

/// The paths in the `source` of a file that is the module `at`.
pub(super) fn read(source: &str, at: &[String], test: bool) -> syn::Result<Vec<Used>> {
    let file: File = syn::parse_file(source)?;
    let mut reader = Reader { at: at.to_vec(), test: test || for_tests(&file.attrs), ..Reader::default() };
    reader.visit_file(&file);
    Ok(reader.whole())
}

/// As it stands in the code.
#[derive(Debug, Clone)]
struct Raw {
    names: Vec<String>,
    /// Begins with `::`.
    outside: bool,
}

#[derive(Default)]
struct Reader {
    at: Vec<String>,
    test: bool,
    /// What `Self` is, innermost last.
    selves: Vec<Vec<String>>,
    found: Vec<(Vec<String>, Raw, bool)>,
    /// What the names of each module stand for.
    bound: BTreeMap<Vec<String>, BTreeMap<String, Vec<Raw>>>,
    globs: BTreeMap<Vec<String>, Vec<Raw>>,
}

impl Reader {
    fn note(&mut self, mut names: Vec<String>, outside: bool) {
        if let (Some("Self"), Some(whose)) = (names.first().map(String::as_str), self.selves.last()) {
            names.splice(..1, whose.iter().cloned());
        }
        self.found.push((self.at.clone(), Raw { names, outside }, self.test));
    }

    fn bind(&mut self, name: String, raw: Raw) {
        self.bound.entry(self.at.clone()).or_default().entry(name).or_default().push(raw);
    }

    /// An item of this very module.
    fn bind_here(&mut self, name: String) {
        let names = [own(&self.at), vec![name.clone()]].concat();
        self.bind(name, Raw { names, outside: false });
    }

    fn import(&mut self, tree: &UseTree, before: &[String], outside: bool) {
        let with = |name: String| {
            if name == "self" && !before.is_empty() { before.to_vec() } else { [before, &[name]].concat() }
        };
        let (names, name) = match tree {
            UseTree::Path(path) => return self.import(&path.tree, &[before, &[word(&path.ident)]].concat(), outside),
            UseTree::Group(group) => return group.items.iter().for_each(|item| self.import(item, before, outside)),
            UseTree::Name(name) => (with(word(&name.ident)), None),
            UseTree::Rename(rename) => (with(word(&rename.ident)), Some(word(&rename.rename))),
            UseTree::Glob(_) => (with("*".to_owned()), None),
        };
        let raw = Raw { names, outside };
        match raw.names.last() {
            Some(last) if last == "*" => {
                let module = Raw { names: before.to_vec(), outside };
                self.globs.entry(self.at.clone()).or_default().push(module);
            }
            Some(last) => self.bind(name.unwrap_or_else(|| last.clone()), raw.clone()),
            None => {}
        }
        self.note(raw.names, outside);
    }

    /// The paths among the tokens of a macro or an attribute, which need not be Rust otherwise.
    fn scan(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            // After a word or the end of generics, `::` goes on with a path.
            let goes_on = at > 0 && (matches!(&trees[at - 1], TokenTree::Ident(_)) || is_punct(&trees[at - 1], '>'));
            let outside = is_path_sep(&trees, at) && !goes_on;
            let begin = if outside { at + 2 } else { at };
            let Some(TokenTree::Ident(first)) = trees.get(begin) else {
                if let TokenTree::Group(group) = &trees[at] {
                    self.scan(group.stream());
                }
                at += 1;
                continue;
            };
            let mut names = vec![word(first)];
            at = begin + 1;
            while is_path_sep(&trees, at) {
                match trees.get(at + 2) {
                    Some(TokenTree::Ident(next)) => names.push(word(next)),
                    Some(tree @ TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                        if let Ok(tree) = syn::parse2::<UseTree>(tree.clone().into()) {
                            self.import(&tree, &names, outside);
                        }
                    }
                    Some(tree) if is_punct(tree, '*') => names.push("*".to_owned()),
                    Some(_) | None => break,
                }
                at += 3;
            }
            if names.len() > 1 || outside {
                self.note(names, outside);
            }
        }
    }

    /// Everything found, with every name followed to what it stands for.
    fn whole(self) -> Vec<Used> {
        let mut whole = Vec::new();
        for (at, raw, test) in &self.found {
            for names in self.follow(raw, at, 0) {
                whole.push(Used { at: at.clone(), names, test: *test });
            }
        }
        whole
    }

    fn follow(&self, raw: &Raw, at: &[String], renames: usize) -> Vec<Vec<String>> {
        let Some((first, rest)) = raw.names.split_first() else { return Vec::new() };
        match first.as_str() {
            _ if raw.outside || renames > MOST_RENAMES => vec![raw.names.clone()],
            "crate" => vec![raw.names.clone()],
            "self" | "super" => {
                let steps = raw.names.iter().take_while(|name| *name == "super" || *name == "self").count();
                let ups = raw.names[..steps].iter().filter(|name| *name == "super").count();
                let base = &at[..at.len().saturating_sub(ups)];
                vec![[own(base), raw.names[steps..].to_vec()].concat()]
            }
            name => {
                let followed: Vec<_> = self
                    .bound_to(name, at)
                    .filter(|bound| bound.names[..] != raw.names[..1])
                    .flat_map(|bound| {
                        let names = [&bound.names[..], rest].concat();
                        self.follow(&Raw { names, outside: bound.outside }, at, renames + 1)
                    })
                    .collect();
                if followed.is_empty() { vec![raw.names.clone()] } else { followed }
            }
        }
    }

    /// What a name stands for in a module: by its own imports, or by those of a module of the file that it takes all of.
    fn bound_to<'r>(&'r self, name: &'r str, at: &[String]) -> impl Iterator<Item = &'r Raw> + use<'r> {
        let globs = self.globs.get(at).into_iter().flatten().filter(|raw| !raw.outside);
        let taken =
            globs.filter(|raw| matches!(raw.names.first().map(String::as_str), Some("crate" | "self" | "super")));
        let taken = taken.flat_map(|raw| self.follow(raw, at, 0)).map(|names| names[1..].to_vec());
        let modules: Vec<Vec<String>> = std::iter::once(at.to_vec()).chain(taken).collect();
        modules.into_iter().filter_map(|module| self.bound.get(&module)?.get(name)).flatten()
    }

    fn within(&mut self, test: bool, work: impl FnOnce(&mut Self)) {
        let before = self.test;
        self.test |= test;
        work(self);
        self.test = before;
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        let (name, test) = (word(&item.ident), for_tests(&item.attrs));
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            self.note(vec![ODD[0].to_owned()], true);
        }
        if name == "tests" && !test && !self.test {
            self.note(vec![ODD[2].to_owned()], true);
        }
        self.bind_here(name.clone());
        self.at.push(name);
        self.within(test, |reader| visit::visit_item_mod(reader, item));
        self.at.pop();
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        let test = for_tests(&item.attrs);
        self.within(test, |reader| {
            reader.import(&item.tree, &[], item.leading_colon.is_some());
            visit::visit_item_use(reader, item);
        });
    }

    fn visit_item_extern_crate(&mut self, item: &'a ItemExternCrate) {
        let raw = Raw { names: vec![word(&item.ident)], outside: true };
        self.note(raw.names.clone(), true);
        let name = item.rename.as_ref().map_or_else(|| word(&item.ident), |(_, name)| word(name));
        self.bind(name, raw);
    }

    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.within(for_tests(&item.attrs), |reader| visit::visit_item_fn(reader, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'a ImplItemFn) {
        self.within(for_tests(&item.attrs), |reader| visit::visit_impl_item_fn(reader, item));
    }

    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        self.selves.push(named(&item.self_ty).map_or_else(|| vec!["Self".to_owned()], words));
        self.within(for_tests(&item.attrs), |reader| visit::visit_item_impl(reader, item));
        self.selves.pop();
    }

    fn visit_item_type(&mut self, item: &'a ItemType) {
        if let Some(path) = named(&item.ty) {
            self.bind(word(&item.ident), Raw { names: words(path), outside: path.leading_colon.is_some() });
        }
        visit::visit_item_type(self, item);
    }

    fn visit_item_struct(&mut self, item: &'a ItemStruct) {
        self.bind_here(word(&item.ident));
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'a ItemEnum) {
        self.bind_here(word(&item.ident));
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'a ItemTrait) {
        self.bind_here(word(&item.ident));
        visit::visit_item_trait(self, item);
    }

    /// Who may see an item is not what the item needs.
    fn visit_vis_restricted(&mut self, _: &'a VisRestricted) {}

    fn visit_path(&mut self, path: &'a Path) {
        if path.segments.len() > 1 || path.leading_colon.is_some() {
            self.note(words(path), path.leading_colon.is_some());
        }
        visit::visit_path(self, path);
    }

    /// `<Type>::function` and `<Type as Trait>::function` name a function of the type.
    fn visit_expr_path(&mut self, expression: &'a ExprPath) {
        let whose = expression.qself.as_ref().and_then(|qself| named(&qself.ty));
        if let (Some(whose), Some(last)) = (whose, expression.path.segments.last()) {
            self.note([words(whose), vec![word(&last.ident)]].concat(), whose.leading_colon.is_some());
        }
        visit::visit_expr_path(self, expression);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        if call.path.is_ident("include") {
            self.note(vec![ODD[1].to_owned()], true);
        }
        self.scan(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_meta_list(&mut self, list: &'a MetaList) {
        self.scan(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }
}

fn own(module: &[String]) -> Vec<String> {
    std::iter::once("crate".to_owned()).chain(module.iter().cloned()).collect()
}

fn word(ident: &proc_macro2::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

fn words(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| word(&segment.ident)).collect()
}

fn named(ty: &Type) -> Option<&Path> {
    match ty {
        Type::Path(TypePath { qself: None, path, .. }) => Some(path),
        Type::Paren(inner) => named(&inner.elem),
        Type::Group(inner) => named(&inner.elem),
        _ => None,
    }
}

/// `#[cfg(test)]`, and `all(…)` with `test` in it; `any(test, …)` is in other builds too.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && only_tests(list.tokens.clone()),
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}

fn only_tests(tokens: TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    trees.split(|tree| is_punct(tree, ',')).any(|part| match part {
        [TokenTree::Ident(word)] => word == "test",
        [TokenTree::Ident(word), TokenTree::Group(parts)] => word == "all" && only_tests(parts.stream()),
        _ => false,
    })
}

fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_path_sep(trees: &[TokenTree], at: usize) -> bool {
    let joint = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint);
    trees.get(at).is_some_and(|tree| is_punct(tree, ':') && joint(tree))
        && trees.get(at + 1).is_some_and(|tree| is_punct(tree, ':'))
}
