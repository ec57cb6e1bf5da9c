//! The command that undoes what has rewritten a file in another layout.

use hdf5::{Dataset, File};

use super::filters::FilterPipeline;
use super::sound_file::all_datasets;

/// Rows of a chunk of a column that is written again.
const COLUMN_ROWS: usize = 1024;

/// The `h5repack` command that writes `file` so that its rows can be read directly: every dataset whose chunks are no
/// whole rows gets such, and all get the filters of the format.
pub(super) fn command(file: &File) -> hdf5::Result<String> {
    let mut command = "h5repack".to_owned();
    for dataset in all_datasets(file)? {
        if !has_whole_rows(&dataset) {
            command += &format!(" -l {}", layout(&dataset));
        }
    }
    Ok(format!("{command} -f SHUF -f GZIP=4 {} NEW.h5", for_shell(&file.filename())))
}

/// A path as a shell takes it.
fn for_shell(path: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+=:@%".contains(character);
    match path.chars().all(is_plain) && !path.starts_with('-') {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

/// True where the chunks of a dataset are whole rows, of images and masks one each, whatever its filters.
fn has_whole_rows(dataset: &Dataset) -> bool {
    let shape = dataset.shape();
    let whole = |chunk: &Vec<usize>| chunk.get(1..) == shape.get(1..) && (shape.len() < 4 || chunk[0] == 1);
    dataset.chunk().as_ref().is_some_and(whole)
}

/// A dataset and chunks of whole rows, as `h5repack -l` takes them.
fn layout(dataset: &Dataset) -> String {
    let shape = dataset.shape();
    let rows = shape.first().copied().unwrap_or(1);
    let rows = if shape.len() < 4 { rows.clamp(1, COLUMN_ROWS) } else { 1 };
    let axes = std::iter::once(&rows).chain(shape.iter().skip(1));
    let axes: Vec<String> = axes.map(ToString::to_string).collect();
    format!("{}:CHUNK={}", dataset.name().trim_start_matches('/'), axes.join("x"))
}

/// Why `dataset` cannot be read directly and the command that helps; `None` where it can.
pub(super) fn flaw(dataset: &Dataset) -> hdf5::Result<Option<String>> {
    let shape = dataset.shape();
    let why = match dataset.chunk() {
        None => "its data are not in chunks".to_owned(),
        Some(chunk) if chunk.get(1..) != shape.get(1..) => {
            format!("its chunks, {chunk:?}, are no whole rows of {:?}", shape.get(1..).unwrap_or_default())
        }
        Some(_) => match FilterPipeline::of(dataset)? {
            Ok(_) => return Ok(None),
            Err(filter) => format!("it is stored with the filter {filter}"),
        },
    };
    Ok(Some(format!("{why}; `{}` undoes that", command(&dataset.file()?)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_what_was_rewritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's.h5");
        let file = File::create(&path).unwrap();
        let new = |shape: [usize; 4]| file.new_dataset::<i16>().shape(shape);
        let images = new([6, 4, 3, 1]).chunk((2, 4, 3, 1)).create("images").unwrap();
        let masks = new([6, 4, 3, 2]).chunk((1, 4, 3, 2)).fletcher32().create("masks").unwrap();
        let samples = file.create_group("samples").unwrap();
        let column = samples.new_dataset::<i32>().shape(6).create("instance").unwrap();
        let command = command(&file).unwrap();
        let expected = "h5repack -l images:CHUNK=1x4x3x1 -l samples/instance:CHUNK=6 -f SHUF -f GZIP=4 '";
        assert!(command.starts_with(expected), "{command}");
        assert!(command.ends_with("/it'\\''s.h5' NEW.h5"), "{command}");
        // Several rows in a chunk are whole rows.
        assert_eq!(flaw(&images).unwrap(), None);
        assert!(
            flaw(&masks).unwrap().is_some_and(|flaw| flaw.contains("Fletcher32") && flaw.contains(&command))
        );
        assert!(flaw(&column).unwrap().is_some_and(|flaw| flaw.contains("not in chunks")));
    }
}
