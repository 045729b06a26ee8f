//! Lists of AWS come in pages, each of which says that there is another. One that never says that it was the last would be read for ever.

use super::CallError;

/// The most pages of what AWS itself makes: streams, resources, events, quotas. Each has fifty to a hundred of them.
pub(crate) const MOST: usize = 1_000;
/// The most pages of what people make: records, objects. Each has a thousand of them or a megabyte.
pub(crate) const MOST_OF_PEOPLE: usize = 10_000;

/// The pages of one list, counted.
#[derive(Debug)]
pub(crate) struct Pages {
    of: &'static str,
    most: usize,
    read: usize,
}

impl Pages {
    /// Of this list, of which so many pages are read.
    pub(crate) fn of(list: &'static str, most: usize) -> Self {
        Self {
            of: list,
            most,
            read: 0,
        }
    }

    /// Another page has come.
    ///
    /// # Errors
    /// It is more than any such list has.
    pub(crate) fn another(&mut self) -> Result<(), CallError> {
        self.read += 1;
        if self.read > self.most {
            let Self { of, most, .. } = self;
            // As an answer without an end is.
            return Err(CallError::Unreachable(format!(
                "the list of {of} goes on after {most} pages"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends() {
        let mut pages = Pages::of("events", 2);
        assert_eq!([pages.another(), pages.another()], [Ok(()), Ok(())]);
        let refused = pages.another().unwrap_err();
        assert_eq!(refused.to_string(), "the list of events goes on after 2 pages");
    }
}
