//! The query of a request: names and values, each name once but for `where`.

use percent_encoding::percent_decode_str;

/// The longest path with its query, in bytes.
pub(super) const MAX_TARGET_BYTES: usize = 8 << 10;

/// The longest value of an option, in characters.
pub(super) const MAX_VALUE_CHARS: usize = 500;

/// Names and values of a query, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

/// A query that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    /// A name or value that is no UTF-8.
    #[error("the query is not UTF-8 after percent decoding")]
    Encoding,
    /// A name that stands twice.
    #[error("`{0}` is given twice; only `where` may be")]
    Twice(String),
    /// A value that is too long.
    #[error("`{0}` has a value of more than {MAX_VALUE_CHARS} characters")]
    Long(String),
}

impl Query {
    /// Parses a query in the form of HTML forms (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// [`QueryError`].
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if name != "where" && pairs.iter().any(|(known, _)| *known == name) {
                return Err(QueryError::Twice(name));
            }
            if value.chars().count() > MAX_VALUE_CHARS {
                return Err(QueryError::Long(name));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Takes the value of `name` out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let found = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(found).1)
    }

    /// Adds `name`, unless it has a value.
    pub(super) fn add_missing(&mut self, name: &str, value: String) {
        if self.0.iter().all(|(known, _)| known != name) {
            self.0.push((name.to_owned(), value));
        }
    }

    /// The names and values that are left.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decode(text: &str) -> Result<String, QueryError> {
    let spaces = text.replace('+', " ");
    let decoded = percent_decode_str(&spaces).decode_utf8().map_err(|_| QueryError::Encoding)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries_are_decoded() {
        let mut query =
            Query::parse("split=train&where=mask_pixels.inner%3E50&where=a%3Db&batch_size=4&flip").unwrap();
        assert_eq!(query.take("split"), Some("train".to_owned()));
        assert_eq!(query.take("split"), None);
        query.add_missing("batch_size", "8".to_owned());
        let rest: Vec<_> = query.rest().collect();
        assert_eq!(
            rest,
            [("where", "mask_pixels.inner>50"), ("where", "a=b"), ("batch_size", "4"), ("flip", "")]
        );
        assert_eq!(Query::parse("a=1&a=2"), Err(QueryError::Twice("a".to_owned())));
        assert_eq!(
            Query::parse(&format!("a={}", "%C3%A4".repeat(501))),
            Err(QueryError::Long("a".to_owned()))
        );
        assert_eq!(Query::parse("a=%ff"), Err(QueryError::Encoding));
        assert_eq!(Query::parse("").unwrap(), Query::default());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Ok(query) = Query::parse(&text) {
                prop_assert!(query.rest().count() <= text.len() + 1);
            }
        }
    }
}
