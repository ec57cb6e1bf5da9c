//! Advice that goes with an error, worded by the front end.

use std::fmt;

/// The option that helps against an error. The library names it once; the command line, Python and the HTTP service
/// each spell it their way: `--max-image-bytes`, `max_image_bytes=`, `max_image_bytes=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hint {
    /// The name of the option in snake case, as in `max_image_bytes`.
    pub option: &'static str,
    /// The change of its value.
    pub advice: Advice,
}

/// The change of an option's value that helps against an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Advice {
    /// A larger number.
    Raise,
    /// A smaller number.
    Lower,
    /// This value.
    Set(&'static str),
    /// A value of the user's own, of this form: `CENTER,WIDTH`.
    Give(&'static str),
    /// The option is a switch, to be turned on.
    SwitchOn,
    /// The option is to be left out.
    LeaveOut,
}

impl Hint {
    /// Advice about `option`.
    #[must_use]
    pub const fn new(option: &'static str, advice: Advice) -> Self {
        Self { option, advice }
    }

    /// The advice in the spelling of the command line: `use --image-dtype float32`.
    #[must_use]
    pub fn for_shell(self) -> impl fmt::Display {
        let flag = format!("--{}", self.option.replace('_', "-"));
        match self.advice {
            Advice::Raise => format!("raise {flag}"),
            Advice::Lower => format!("use a smaller {flag}"),
            Advice::Set(value) => format!("use {flag} {value}"),
            Advice::Give(form) => format!("give {flag} {form}"),
            Advice::SwitchOn => format!("{flag} allows it"),
            Advice::LeaveOut => format!("leave {flag} out"),
        }
    }

    /// The advice in the spelling of Python's keyword arguments: `use image_dtype='float32'`.
    #[must_use]
    pub fn for_python(self) -> impl fmt::Display {
        let name = self.option;
        match self.advice {
            Advice::Raise => format!("raise {name}="),
            Advice::Lower => format!("use a smaller {name}="),
            Advice::Set(value) => format!("use {name}='{value}'"),
            Advice::Give(form) => format!("give {name}={form}"),
            Advice::SwitchOn => format!("{name}=True allows it"),
            Advice::LeaveOut => format!("leave {name}= out"),
        }
    }

    /// The advice in the spelling of a query string: `use image_dtype=float32`.
    #[must_use]
    pub fn for_query(self) -> impl fmt::Display {
        let name = self.option;
        match self.advice {
            Advice::Raise => format!("raise {name}"),
            Advice::Lower => format!("use a smaller {name}"),
            Advice::Set(value) => format!("use {name}={value}"),
            Advice::Give(form) => format!("give {name}={form}"),
            Advice::SwitchOn => format!("{name}=true allows it"),
            Advice::LeaveOut => format!("leave {name} out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_front_end_has_its_spelling() {
        let raise = Hint::new("max_image_bytes", Advice::Raise);
        assert_eq!(raise.for_shell().to_string(), "raise --max-image-bytes");
        assert_eq!(raise.for_python().to_string(), "raise max_image_bytes=");
        let set = Hint::new("image_dtype", Advice::Set("float32"));
        assert_eq!(set.for_shell().to_string(), "use --image-dtype float32");
        assert_eq!(set.for_python().to_string(), "use image_dtype='float32'");
        assert_eq!(set.for_query().to_string(), "use image_dtype=float32");
        assert_eq!(
            Hint::new("allow_leak", Advice::SwitchOn).for_python().to_string(),
            "allow_leak=True allows it"
        );
    }
}
