//! Files that are read again and again, and what is wrong with them.

/// Why what is in the files cannot be used, as it was told last.
#[derive(Debug, Default)]
pub(super) struct Fault(Option<String>);

impl Fault {
    /// Whether this is another one than before, or its end.
    pub(super) fn is_news(&mut self, fault: Option<String>) -> bool {
        let news = self.0 != fault;
        self.0 = fault;
        news
    }

    /// What it is at present, if there is one.
    pub(super) fn present(&self) -> Option<String> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_news_once_and_so_is_its_end() {
        let mut fault = Fault::default();
        let mut looks = |text: &str| fault.is_news((!text.is_empty()).then(|| text.to_owned()));
        assert_eq!(
            ["", "a", "a", "a", "b", "", "", "a"].map(&mut looks),
            [false, true, false, false, true, true, false, true]
        );
    }
}
