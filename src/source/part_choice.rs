//! The part of an annotation file that is written behind its name: `set.dcm#Left lung`, `labels.nii.gz#3`.

use super::annotation::{AnnotationFault, AnnotationFile, listed};
use crate::model::Part;

/// The part of an annotation file that a table or an option asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum PartChoice {
    /// Nothing was said: the only structure of the file, or every value above 0.
    #[default]
    Unsaid,
    /// A name, or a number.
    Said(Box<str>),
}

impl PartChoice {
    /// Splits `cell` at its first `#`, behind the name of its file.
    #[must_use]
    pub fn split(cell: &str) -> (&str, Self) {
        match cell.split_once('#') {
            Some((file, part)) => (file.trim(), Self::Said(part.trim().into())),
            None => (cell.trim(), Self::Unsaid),
        }
    }

    /// The part of `file` that is meant.
    ///
    /// # Errors
    /// [`AnnotationFault`] where there is no such structure, or several.
    pub fn part_of(&self, file: &dyn AnnotationFile) -> Result<Part, AnnotationFault> {
        let present = || listed(file.parts());
        let Self::Said(text) = self else {
            return match file.parts() {
                _ if file.has_labels() => Ok(Part::Whole),
                [only] => Ok(only.part),
                _ => {
                    let meant = "name the structure behind a #".to_owned();
                    Err(AnnotationFault::Ambiguous { meant, present: present() })
                }
            };
        };
        let named: Vec<Part> =
            file.parts().iter().filter(|info| is_named(&info.name, text)).map(|info| info.part).collect();
        match named[..] {
            [part] => return Ok(part),
            [] => {}
            _ => {
                let meant = format!("several structures are called {text}: give the number of one, as in #2");
                return Err(AnnotationFault::Ambiguous { meant, present: present() });
            }
        }
        let number: Option<i64> = text.strip_prefix('#').unwrap_or(text).trim().parse().ok();
        let numbered = number.and_then(|number| {
            let listed = file.parts().iter().find(|info| info.part.number() == Some(number));
            let label = file.has_labels().then_some(Part::Label(number));
            listed.map(|info| info.part).or(label)
        });
        numbered.ok_or_else(|| {
            let meant = format!("there is no structure {text:?}");
            AnnotationFault::Ambiguous { meant, present: present() }
        })
    }
}

/// True if a structure is called so: trimmed, each run of white space as one space.
fn is_named(name: &str, text: &str) -> bool {
    !name.trim().is_empty() && name.split_whitespace().eq(text.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::annotation::{AnnotationError, Drawn, FrameKey, PartInfo};

    struct File(Vec<PartInfo>, bool);

    impl AnnotationFile for File {
        fn parts(&self) -> &[PartInfo] {
            &self.0
        }

        fn on(&self, _: Part, _: &FrameKey) -> Result<Drawn, AnnotationError> {
            Ok(Drawn::NotAnnotated)
        }

        fn has_labels(&self) -> bool {
            self.1
        }
    }

    fn part(cell: &str, file: &File) -> Result<Part, String> {
        PartChoice::split(cell).1.part_of(file).map_err(|fault| fault.to_string())
    }

    fn roi(number: i32, name: &str) -> PartInfo {
        PartInfo { part: Part::Roi(number), name: name.to_owned(), ..PartInfo::default() }
    }

    #[test]
    fn a_cell_is_a_file_and_perhaps_a_part() {
        let said = |text: &str| PartChoice::Said(text.into());
        assert_eq!(PartChoice::split("a/b.dcm"), ("a/b.dcm", PartChoice::Unsaid));
        assert_eq!(PartChoice::split("a/b.dcm#Left lung"), ("a/b.dcm", said("Left lung")));
        assert_eq!(PartChoice::split("a/b.dcm#GTV 50%/60% #2"), ("a/b.dcm", said("GTV 50%/60% #2")));
        assert_eq!(PartChoice::split("labels.nii.gz#3"), ("labels.nii.gz", said("3")));
    }

    #[test]
    fn names_go_before_numbers() {
        let set = File(vec![roi(1, "Left  lung "), roi(2, "1"), roi(3, "GTV"), roi(4, "GTV")], false);
        assert_eq!(part("s.dcm#Left lung", &set), Ok(Part::Roi(1)));
        assert_eq!((part("s.dcm#1", &set), part("s.dcm##1", &set)), (Ok(Part::Roi(2)), Ok(Part::Roi(1))));
        assert_eq!(part("s.dcm#4", &set), Ok(Part::Roi(4)));
        assert!(part("s.dcm#GTV", &set).unwrap_err().contains("several structures are called GTV"));
        assert_eq!(
            part("s.dcm#lung", &set).unwrap_err(),
            "there is no structure \"lung\": #1 Left  lung, #2 1, #3 GTV, #4 GTV"
        );
        assert!(part("s.dcm", &set).unwrap_err().starts_with("name the structure behind a #"));
        assert_eq!(part("s.dcm", &File(vec![roi(5, "only")], false)), Ok(Part::Roi(5)));
    }

    #[test]
    fn any_value_may_be_asked_of_labels() {
        let labels = File(vec![PartInfo { part: Part::Label(2), ..PartInfo::default() }], true);
        assert_eq!(
            (part("l.nii#2", &labels), part("l.nii#7", &labels)),
            (Ok(Part::Label(2)), Ok(Part::Label(7)))
        );
        assert_eq!(part("l.nii", &labels), Ok(Part::Whole));
        assert!(part("l.nii#heart", &labels).is_err());
    }
}
