//! Names of the columns of a user's table.

/// Other names of the columns of a table: `(usual name, its name in this table)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNames(pub Vec<(Box<str>, Box<str>)>);

impl ColumnNames {
    /// The name of a column in this table.
    pub(super) fn of<'a>(&'a self, usual: &'a str) -> &'a str {
        let short = usual.strip_suffix("_id").unwrap_or(usual);
        let given = self.0.iter().find(|(known, _)| **known == *usual || **known == *short);
        given.map_or(usual, |(_, name)| name)
    }
}
