//! Options of more than one command.

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// The one of `choices` whose name was typed.
pub(super) fn choose<T: Copy>(typed: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == typed);
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
        format!("possible values: {}", names.join(", "))
    })
}

/// Takes one of the names of `choices`, and offers them in help and completions.
pub(super) fn named<T: Copy + Send + Sync + 'static>(
    choices: Vec<(&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let names: Vec<&'static str> = choices.iter().map(|&(name, _)| name).collect();
    PossibleValuesParser::new(names).try_map(move |typed| choose(&typed, &choices))
}

/// A number to multiply with.
pub(super) fn factor(typed: &str) -> Result<f64, String> {
    let number = typed.parse::<f64>().ok().filter(|number| (*number as f32).is_normal());
    number.ok_or_else(|| "use a number of float32 that is not 0, as in 0.00390625".to_owned())
}

/// Takes one of the names of an enum that has `ALL` and `name`.
macro_rules! one_of {
    ($type:ident) => {
        crate::args::choice::named($type::ALL.map(|choice| (choice.name(), choice)).to_vec())
    };
}

pub(super) use one_of;
