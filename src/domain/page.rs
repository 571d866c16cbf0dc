//! Pages of lists.

use super::invalid::Fault;

/// AWS Backup's own bound on `maxResults` `[M]`.
pub const MAX_PAGE_SIZE: u16 = 1000;

/// The page a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Items wanted, 1 to [`MAX_PAGE_SIZE`].
    pub size: u16,
    /// Where the page begins: what [`Page::next`] said, absent for the first page.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// Page size by the API's rule: 0 (blank) is 100, at most [`MAX_PAGE_SIZE`].
    pub fn size_of(asked: i32) -> Result<u16, Fault> {
        match u16::try_from(asked) {
            Ok(0) => Ok(100),
            Ok(size) if size <= MAX_PAGE_SIZE => Ok(size),
            _ => Err(format!("{asked} is not a page size: give 1–{MAX_PAGE_SIZE}, or leave it blank for 100").into()),
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<String>,
}
