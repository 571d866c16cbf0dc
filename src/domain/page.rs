//! Pages of lists.

use std::fmt;

use super::{Refusal, invalid::Fault};

/// AWS Backup's own bound on `maxResults` `[M]`.
pub const MAX_PAGE_SIZE: u16 = 1000;

/// The page a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Items wanted, 1 to [`MAX_PAGE_SIZE`].
    pub size: u16,
    /// Where the page begins: what [`Page::next`] said, absent for the first page.
    pub cursor: Option<Cursor>,
}

impl PageRequest {
    /// Page size by the API's rule: 0 (blank) is 100, and more than [`MAX_PAGE_SIZE`] is brought down to it.
    pub fn size_of(asked: i32) -> Result<u16, Fault> {
        match asked {
            ..0 => Err(format!("{asked} is not a page size: give 1–{MAX_PAGE_SIZE}, or leave it blank for 100").into()),
            0 => Ok(100),
            _ => Ok(u16::try_from(asked).unwrap_or(MAX_PAGE_SIZE).min(MAX_PAGE_SIZE)),
        }
    }

    /// The largest page there is, from there on.
    pub fn largest(cursor: Option<Cursor>) -> Self {
        Self { size: MAX_PAGE_SIZE, cursor }
    }

    /// Where the page begins in a list that has positions of its own; none: at its beginning.
    ///
    /// # Errors
    /// When that is none of its positions.
    pub fn position<P>(&self, parse: impl FnOnce(&str) -> Option<P>) -> Result<Option<P>, Refusal> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        cursor.token.as_deref().and_then(parse).ok_or_else(Refusal::page_token).map(Some)
    }

    /// AWS's token, which is all that the cursor of a list has that AWS pages as it is asked to.
    pub fn token(&self) -> Option<String> {
        self.cursor.as_ref()?.token.clone()
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<Cursor>,
}

/// Where a page of a list begins. Its text stands in a page token; whoever writes one by hand gets what AWS makes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Of a list that has several parts, one after the other, the part: a word or a number of its own, or where every
    /// vault is a part its name. Blank for the others.
    pub part: String,
    /// Records behind the token that the pages before took already: AWS does not give pages as small as callers ask for.
    pub skip: usize,
    /// AWS's token; absent at the beginning.
    pub token: Option<String>,
}

impl Cursor {
    /// The beginning of a part.
    pub fn of_part(part: impl Into<String>) -> Self {
        Self { part: part.into(), skip: 0, token: None }
    }

    /// Where AWS's token points to, in a list that has no parts.
    pub fn at(token: impl Into<String>) -> Self {
        Self { part: String::new(), skip: 0, token: Some(token.into()) }
    }

    /// A cursor out of its text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let part = words.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_graphic()))?;
        let skip = words.next()?.parse().ok().filter(|skip| *skip < usize::from(MAX_PAGE_SIZE))?;
        let token = Some(words.next()?).filter(|token| !token.is_empty()).map(str::to_owned);
        Some(Self { part: part.to_owned(), skip, token })
    }

    /// The part that the cursor is in and the cursor, of a list that has these parts and skips fewer than `most` records;
    /// without a cursor the first of the parts.
    pub fn within<P: Copy>(
        cursor: Option<&Self>,
        parts: &[P],
        word: impl Fn(P) -> &'static str,
        most: usize,
    ) -> Result<(P, Self), Refusal> {
        let found = match cursor {
            Some(cursor) if cursor.skip < most => {
                parts.iter().find(|part| word(**part) == cursor.part).map(|part| (*part, cursor.clone()))
            }
            Some(_) => None,
            None => parts.first().map(|part| (*part, Self::of_part(word(*part)))),
        };
        found.ok_or_else(Refusal::page_token)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.part, self.skip, self.token.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(
            part in "[a-z0-9]{0,9}|[A-Za-z0-9_/-]{2,64}",
            skip in 0usize..1000,
            token in proptest::option::of("\\PC{1,60}"),
        ) {
            let cursor = Cursor { part, skip, token };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in "((instances |named )?[0-9]{0,30} )?\\PC{0,60}") {
            let _ = Cursor::parse(&text);
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let within = |cursor: &Cursor| Cursor::within(Some(cursor), &["instances", "clusters"], |part| part, 20);
        let cursor = Cursor { skip: 19, ..Cursor::of_part("clusters") };
        assert_eq!(within(&cursor).unwrap(), ("clusters", cursor.clone()));
        for foreign in [Cursor::of_part("tagged"), Cursor::at("token"), Cursor { skip: 20, ..cursor }] {
            assert_eq!(within(&foreign).unwrap_err(), Refusal::page_token(), "{foreign}");
        }
    }
}
