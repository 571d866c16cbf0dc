//! Reading lists of AWS to their end.

use futures_util::{Stream, stream};

/// Most of AWS's lists that one page is made of; each is a call, one after the other.
pub(super) const MOST_LISTS: usize = 20;

/// The pages of a list, as far as they are asked for. `read` is given where a page begins, nothing for the first one, and
/// answers what the page holds and where the next one begins.
pub(super) fn pages<T, C, X, F>(mut read: impl FnMut(Option<C>) -> F) -> impl Stream<Item = Result<T, X>>
where
    F: Future<Output = Result<(T, Option<C>), X>>,
{
    stream::try_unfold(Some(None), move |place: Option<Option<C>>| {
        let page = place.map(&mut read);
        async move {
            let Some(page) = page else { return Ok(None) };
            let (items, next) = page.await?;
            Ok(Some((items, next.map(Some))))
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_list_is_read_page_by_page_until_it_ends_or_fails() {
        let read = |last: u32, failing: u32| {
            let read = pages(move |from: Option<u32>| async move {
                let page = from.unwrap_or_default();
                if page == failing { Err(page) } else { Ok((vec![page], (page < last).then_some(page + 1))) }
            });
            read.try_concat()
        };
        assert_eq!(read(0, 9).await, Ok(vec![0]));
        assert_eq!(read(2, 9).await, Ok(vec![0, 1, 2]));
        assert_eq!(read(5, 3).await, Err(3));
    }
}
