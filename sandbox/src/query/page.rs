//! Pages of an ordered listing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One page, and where the next one starts.
#[derive(Debug)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Absent on the last page. Opaque to clients: the key of the last item, so that items made or deleted between
    /// two pages neither repeat nor hide others.
    pub marker: Option<String>,
}

/// Takes the next page out of items that come in the order of their keys, beginning after `marker`. Give it a lazy
/// iterator: it stops reading one item after the page is full.
///
/// `None`: the marker is not one of ours.
pub fn page<T>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> &str,
    marker: Option<&str>,
    size: usize,
) -> Option<Page<T>> {
    let after = match marker {
        Some(marker) => Some(String::from_utf8(URL_SAFE_NO_PAD.decode(marker).ok()?).ok()?),
        None => None,
    };
    let mut rest = items.into_iter().filter(|item| after.as_deref().is_none_or(|after| key(item) > after)).peekable();
    let page: Vec<T> = rest.by_ref().take(size).collect();
    let marker = match (rest.peek(), page.last()) {
        (Some(_), Some(last)) => Some(URL_SAFE_NO_PAD.encode(key(last))),
        _ => None,
    };
    Some(Page { items: page, marker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_everything_once() {
        let all: Vec<String> = (0..250).map(|n| format!("{n:04}")).collect();
        let mut seen = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let page = page(&all, |item| item.as_str(), marker.as_deref(), 100).expect("our marker");
            seen.extend(page.items.into_iter().cloned());
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn an_exactly_full_page_is_the_last() {
        let page = page(["a", "b"], |item| item, None, 2).expect("no marker");
        assert_eq!(page.items.len(), 2);
        assert!(page.marker.is_none());
    }

    #[test]
    fn a_foreign_marker_is_recognised() {
        assert!(page(["a"], |item| item, Some("no such marker!"), 2).is_none());
    }
}
