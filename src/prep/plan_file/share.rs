//! Gathers the rows of a share out of the blocks of a plan file.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use rayon::prelude::*;

use super::PlanFileError;
use super::block::{BlockAnnotation, BlockFile, BlockFolder, BlockPatient, BlockRow, BlockStudy, PlanBlock};
use super::compare::changed_file;
use super::container::PlanReader;
use crate::assemble::{FileMark, read_mark};
use crate::audit::CheckSet;
use crate::files::{Catalog, Fates, FileKind, FolderId, Places};
use crate::layout::{Patient, SampleSet, StructurePatterns, Study};
use crate::model::{AnnotationRef, FileId, FrameRef, Relations, Sample};
use crate::prep::planned_split::PlannedSplit;
use crate::prep::{PrepError, PrepOptions, pool};
use crate::source::{FrameKey, SeriesExtent, SeriesImage};
use crate::store::{ShardBond, StackPlace};

/// The samples of a share.
pub(super) struct Gathered {
    pub(super) pairs: SampleSet,
    pub(super) samples: Vec<Sample>,
    /// For each patient, its split.
    pub(super) planned: Vec<PlannedSplit>,
    pub(super) patient_numbers: Vec<u32>,
    pub(super) marks: Vec<FileMark>,
    pub(super) audited: Vec<u64>,
    pub(super) found: BTreeMap<u32, CheckSet>,
    pub(super) places: HashMap<FrameRef, StackPlace>,
    pub(super) keys: HashMap<FrameRef, FrameKey>,
    pub(super) series: HashMap<FileId, (Box<[SeriesImage]>, SeriesExtent)>,
}

/// Takes block after block.
pub(super) struct Gathering<'r> {
    reader: &'r PlanReader,
    /// The rows that are taken.
    rows: Range<u64>,
    roots: Vec<PathBuf>,
    planes: StructurePatterns,
    catalog: Catalog,
    fates: Fates,
    /// For each patient, its number in the whole plan, ascending.
    numbers: Vec<u32>,
    /// The patients; nameless where no row of the blocks is of one.
    patients: Vec<Patient>,
    planned: Vec<PlannedSplit>,
    studies: Vec<Study>,
    known_folders: HashMap<PathBuf, FolderId>,
    known_files: HashMap<(FolderId, String), FileId>,
    /// Annotation files of other kinds than contour texts, with their marks.
    others: Vec<(FileId, FileMark)>,
    gathered: Lists,
}

#[derive(Default)]
struct Lists {
    samples: Vec<Sample>,
    marks: Vec<FileMark>,
    audited: Vec<u64>,
    found: BTreeMap<u32, CheckSet>,
    places: HashMap<FrameRef, StackPlace>,
    keys: HashMap<FrameRef, FrameKey>,
    series: HashMap<FileId, (Box<[SeriesImage]>, SeriesExtent)>,
}

/// Places of the lists of a block among those of the share.
struct Known {
    files: Vec<FileId>,
    patients: Vec<u32>,
    studies: Vec<u32>,
}

impl<'r> Gathering<'r> {
    /// Nothing yet of the `rows` of a plan whose inputs are at `places`. `numbers` are those of the patients of these rows
    /// and of all that have bonds, ascending.
    pub(super) fn new(
        reader: &'r PlanReader,
        places: &Places,
        options: &PrepOptions,
        rows: Range<u64>,
        numbers: Vec<u32>,
    ) -> Result<Self, PlanFileError> {
        let catalog = Catalog::of(places);
        let roots: Vec<PathBuf> = catalog.roots().paths().map(Path::to_owned).collect();
        let (planned, given) = (reader.head.roots as usize, roots.len());
        if planned != given {
            return Err(PlanFileError::Folders { path: reader.path().to_owned(), planned, given });
        }
        let planes = options.structures.clone();
        let planes = planes.ok_or_else(|| reader.damaged("it names no structures"))?;
        let nameless = || Patient::default();
        Ok(Self {
            planned: planned_splits(&numbers, &reader.head.bonds),
            patients: numbers.iter().map(|_| nameless()).collect(),
            numbers,
            reader,
            rows,
            roots,
            planes,
            catalog,
            fates: Fates::default(),
            studies: Vec::new(),
            known_folders: HashMap::new(),
            known_files: HashMap::new(),
            others: Vec::new(),
            gathered: Lists::default(),
        })
    }

    /// Adds the rows of a block that are among those asked for; its first is number `first`.
    pub(super) fn add(&mut self, first: u64, block: PlanBlock) -> Result<(), PlanFileError> {
        let PlanBlock { folders, files, patients, studies, rows, keys, annotations } = block;
        let folders = folders.iter().map(|folder| self.folder(folder)).collect::<Result<Vec<_>, _>>()?;
        let files = files.into_iter().map(|file| self.file(&folders, file)).collect::<Result<Vec<_>, _>>()?;
        let patients =
            patients.into_iter().map(|patient| self.patient(patient)).collect::<Result<Vec<_>, _>>()?;
        let studies =
            studies.into_iter().map(|study| self.study(&patients, study)).collect::<Result<_, _>>()?;
        let known = Known { files, patients, studies };
        for key in keys {
            let image = FrameRef { file: self.at(&known.files, key.file)?, frame: key.frame };
            self.gathered.keys.insert(image, key.key);
        }
        for annotation in annotations {
            self.add_annotation(&known, annotation)?;
        }
        for (row, number) in rows.into_iter().zip(first..) {
            if self.rows.contains(&number) {
                self.add_row(&known, row)?;
            }
        }
        Ok(())
    }

    /// A folder of the block: below one of the folders that the run was given, and nowhere else.
    fn folder(&mut self, folder: &BlockFolder) -> Result<FolderId, PlanFileError> {
        let below = Path::new(&folder.path);
        let is_below = below.components().all(|part| matches!(part, Component::Normal(_)));
        let root = self.roots.get(folder.root as usize).filter(|_| is_below);
        let path = root
            .map(|root| root.join(below))
            .ok_or_else(|| self.wrong("a folder is no folder of the inputs"))?;
        if let Some(&known) = self.known_folders.get(&path) {
            return Ok(known);
        }
        let id = self.catalog.add_folder(path.clone(), &folder.name);
        self.known_folders.insert(path, id);
        Ok(id)
    }

    fn file(&mut self, folders: &[FolderId], file: BlockFile) -> Result<FileId, PlanFileError> {
        let folder = self.at(folders, file.folder)?;
        let mut parts = Path::new(&file.name).components();
        let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
        if !is_name || file.name.ends_with('/') {
            return Err(self.wrong("the name of a file is none"));
        }
        if let Some(&known) = self.known_files.get(&(folder, file.name.clone())) {
            return Ok(known);
        }
        let id = self.catalog.add(folder, &file.name);
        self.catalog.set_kind(id, file.kind);
        self.fates.add();
        self.known_files.insert((folder, file.name), id);
        Ok(id)
    }

    /// The place of a patient among those of the share.
    fn patient(&mut self, patient: BlockPatient) -> Result<u32, PlanFileError> {
        let place =
            self.numbers.binary_search(&patient.number).map_err(|_| self.wrong("a patient is none"))?;
        let (id, folder) = (patient.id.into(), patient.folder.into());
        self.patients[place] = Patient { id, folder, ..Patient::default() };
        let planned = &mut self.planned[place];
        (planned.split, planned.draw) = (patient.split, patient.draw);
        Ok(place as u32)
    }

    fn study(&mut self, patients: &[u32], study: BlockStudy) -> Result<u32, PlanFileError> {
        let patient = self.at(patients, study.patient)?;
        let study = Study { patient, original_id: study.original_id.into(), place: study.place };
        if self.studies.last() != Some(&study) {
            self.studies.push(study);
        }
        Ok(self.studies.len() as u32 - 1)
    }

    fn add_annotation(&mut self, known: &Known, annotation: BlockAnnotation) -> Result<(), PlanFileError> {
        let file = self.at(&known.files, annotation.file)?;
        self.others.push((file, annotation.mark));
        if let Some((images, extent)) = annotation.series {
            self.gathered.series.insert(file, (images.into(), extent));
        }
        Ok(())
    }

    fn add_row(&mut self, known: &Known, row: BlockRow) -> Result<(), PlanFileError> {
        let planes = self.planes.names().len();
        let patient = self.at(&known.patients, row.patient)?;
        let is_in_order = self.gathered.samples.last().is_none_or(|last| last.patient <= patient);
        let found = CheckSet::parse(&row.findings).filter(|_| is_in_order);
        let Some(found) = found.filter(|_| row.annotations.len() == planes && row.audited.len() == planes)
        else {
            return Err(self.wrong("a row is none"));
        };
        let number = self.gathered.samples.len() as u32;
        let one = |(file, part)| Ok(AnnotationRef { file: self.at(&known.files, file)?, part });
        let annotations = row.annotations.into_iter().map(|refs| refs.into_iter().map(one).collect());
        let annotations = annotations.collect::<Result<Box<[Box<[AnnotationRef]>]>, PlanFileError>>()?;
        let image = FrameRef { file: self.at(&known.files, row.file)?, frame: row.frame };
        let study = self.at(&known.studies, row.study)?;
        let gathered = &mut self.gathered;
        if !found.is_empty() {
            gathered.found.insert(number, found);
        }
        gathered.marks.push(row.mark);
        gathered.places.insert(image, row.place);
        gathered.audited.extend(row.audited);
        gathered.samples.push(Sample {
            id: row.id.into(),
            patient,
            study,
            place: number,
            image,
            number: row.number,
            annotations,
        });
        Ok(())
    }

    /// The samples, after their annotation files of other kinds than contour texts were held against the plan.
    pub(super) fn finish(self, layout: &'static str, threads: usize) -> Result<Gathered, PrepError> {
        let Relations { nested, bright, phases } = self.reader.head.relations.clone();
        let planes = self.planes.names().len();
        let is_plane = |plane: usize| plane < planes;
        if nested.as_ref().is_some_and(|nested| !is_plane(nested.inner) || !is_plane(nested.outer))
            || bright.is_some_and(|plane| !is_plane(plane))
        {
            return Err(self.wrong("a structure is none").into());
        }
        let pairs = SampleSet {
            layout,
            catalog: self.catalog,
            fates: self.fates,
            planes: self.planes,
            relations: Relations { nested, bright, phases },
            patients: self.patients,
            studies: self.studies,
            samples: Vec::new(),
            unlabelled: Vec::new(),
            skipped: Vec::new(),
            rejected_rows: Vec::new(),
            notes: Vec::new(),
            evidence: Default::default(),
            unmatched: Default::default(),
            annotations: None,
        };
        let used: std::collections::HashSet<FileId> =
            self.gathered.samples.iter().flat_map(Sample::references).map(|(_, one)| one.file).collect();
        let others: Vec<_> = self.others.into_iter().filter(|(file, _)| used.contains(file)).collect();
        let differs = |(file, mark): &(FileId, FileMark)| {
            debug_assert!(pairs.catalog.kind(*file) != FileKind::ContourText);
            changed_file(&pairs, *file, *mark, read_mark(&pairs.catalog, *file))
        };
        if let Some(error) = pool(threads)?.install(|| others.par_iter().find_map_first(differs)) {
            return Err(error.into());
        }
        let Lists { samples, marks, audited, found, places, keys, series } = self.gathered;
        let (planned, patient_numbers) = (self.planned, self.numbers);
        Ok(Gathered { pairs, samples, planned, patient_numbers, marks, audited, found, places, keys, series })
    }

    fn at<T: Copy>(&self, list: &[T], number: u32) -> Result<T, PlanFileError> {
        list.get(number as usize).copied().ok_or_else(|| self.wrong("a number is none of its list"))
    }

    fn wrong(&self, what: &str) -> PlanFileError {
        self.reader.damaged(what)
    }
}

/// Bonds of the patients of these `numbers`, ascending, by their places among them. All that a bond names are there.
fn planned_splits(numbers: &[u32], bonds: &[ShardBond]) -> Vec<PlannedSplit> {
    let place = |number: u32| numbers.binary_search(&number).map_or(u32::MAX, |place| place as u32);
    let placed = bonds.iter().map(|bond| ShardBond {
        patient: place(bond.patient),
        leader: place(bond.leader),
        shares_with: place(bond.shares_with),
        kept: bond.kept,
        fold: bond.fold,
    });
    PlannedSplit::of_bonds(numbers.len(), &placed.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::prep::plan_file::container::PlanWriter;
    use crate::prep::plan_file::head::Head;

    /// What becomes of a block that names one folder and one file in it.
    fn gather(root: u32, path: &str, name: &str) -> Result<PathBuf, PlanFileError> {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("plan");
        let mut bytes = Vec::new();
        PlanWriter::new(&mut bytes, false).unwrap().finish(Head::sample(0)).unwrap();
        fs::write(&plan, bytes).unwrap();
        let reader = PlanReader::open(&plan).unwrap();
        let places = Places::new(folder.path()).unwrap();
        let mut gathering = Gathering {
            reader: &reader,
            rows: 0..0,
            roots: vec![folder.path().to_owned()],
            planes: StructurePatterns::parse("inner").unwrap(),
            catalog: Catalog::of(&places),
            fates: Fates::default(),
            numbers: Vec::new(),
            patients: Vec::new(),
            planned: Vec::new(),
            studies: Vec::new(),
            known_folders: HashMap::new(),
            known_files: HashMap::new(),
            others: Vec::new(),
            gathered: Lists::default(),
        };
        let (kind, path) = (FileKind::default(), path.to_owned());
        let folders = vec![BlockFolder { root, path, name: String::new() }];
        let files = vec![BlockFile { folder: 0, kind, name: name.to_owned() }];
        gathering.add(0, PlanBlock { folders, files, ..PlanBlock::default() })?;
        let (_, file) = gathering.known_files.into_iter().next().unwrap();
        Ok(gathering.catalog.path(file).strip_prefix(folder.path()).unwrap().to_owned())
    }

    #[test]
    fn names_lead_nowhere_but_below_the_folders_of_inputs() {
        assert_eq!(gather(0, "dicoms/P1", "1.dcm").unwrap(), Path::new("dicoms/P1/1.dcm"));
        assert_eq!(gather(0, "", "1.dcm").unwrap(), Path::new("1.dcm"));
        for (root, path, name) in [
            (1, "dicoms", "1.dcm"),
            (0, "../elsewhere", "1.dcm"),
            (0, "dicoms/../../elsewhere", "1.dcm"),
            (0, "/elsewhere", "1.dcm"),
            (0, "dicoms", "../1.dcm"),
            (0, "dicoms", "/1.dcm"),
            (0, "dicoms", ".."),
            (0, "dicoms", "a/b"),
            (0, "dicoms", "a/"),
            (0, "dicoms", ""),
        ] {
            assert!(gather(root, path, name).is_err(), "{root} {path} {name}");
        }
    }
}
