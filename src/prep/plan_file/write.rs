//! Writes a plan to a file.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Read};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::PlanFileError;
use super::block::{
    BlockAnnotation, BlockFile, BlockFolder, BlockKey, BlockPatient, BlockRow, BlockStudy, PlanBlock,
};
use super::container::{PlanWriter, encode};
use super::head::{Head, MadeOf};
use crate::assemble::read_mark;
use crate::files::{FileKind, FolderId, Places};
use crate::model::{AnnotationRef, FileId, Sample};
use crate::prep::audit::marks;
use crate::prep::encoder_choice::choose_encoder;
use crate::prep::names::Namer;
use crate::prep::plan_digest::plan_digest;
use crate::prep::planned_split::SplitSource;
use crate::prep::pool;
use crate::prep::pseudonym::Pseudonyms;
use crate::prep::{PrepError, PrepPlan};
use crate::store::{Encoder, GENERATOR, Target};

/// Rows of a block: what a shard reads beyond its own rows is less than two blocks.
const BLOCK_ROWS: usize = 512;
/// Blocks that are in memory at once.
const BLOCKS_AT_ONCE: usize = 64;

/// Text whose pseudonym tells one key from another.
pub(super) const KEY_CHECK: &str = "\0dicomprep plan";

/// Writes `plan`, made by [`plan_for_file`](crate::prep::plan_for_file) of a data directory at `places`, into the file
/// whose name `target` has claimed. Returns its size in bytes.
///
/// A plan with pseudonyms names true ids all the same; only its owner may read it.
///
/// # Errors
/// [`PrepError::PlanFile`], [`PrepError::Store`]; then no file is made.
pub fn write_plan(plan: &PrepPlan, places: &Places, target: Target) -> Result<u64, PrepError> {
    let path = target.path().to_owned();
    let failed = |source| PlanFileError::Write { path: path.clone(), source };
    let is_keyed = plan.options.pseudonym_key.is_some();
    if is_keyed {
        fs::set_permissions(target.partial(), Permissions::from_mode(0o600)).map_err(failed)?;
    }
    let file = BufWriter::new(File::create(target.partial()).map_err(failed)?);
    let mut writer = PlanWriter::new(file, is_keyed).map_err(failed)?;
    let found = marks(&plan.findings).into_iter().map(|(number, set)| (number, set.names())).collect();
    let rows = plan.samples.len();
    let blocks: Vec<Range<usize>> =
        (0..rows).step_by(BLOCK_ROWS).map(|first| first..rows.min(first + BLOCK_ROWS)).collect();
    let threads = pool(plan.options.threads)?;
    for some in blocks.chunks(BLOCKS_AT_ONCE) {
        let encode_block = |rows: &Range<usize>| -> Result<Vec<u8>, PlanFileError> {
            encode(&Builder::new(plan, &found).build(rows.clone())?).map_err(failed)
        };
        let encoded = threads.install(|| some.par_iter().map(encode_block).collect::<Result<Vec<_>, _>>())?;
        for (rows, block) in some.iter().zip(&encoded) {
            writer.add(block, rows.len()).map_err(failed)?;
        }
    }
    let encoder = choose_encoder(plan, &plan.assemble_options(), &threads);
    writer.finish(head(plan, places, encoder)?).map_err(failed)?;
    Ok(target.commit()?)
}

fn head(plan: &PrepPlan, places: &Places, encoder: Encoder) -> Result<Head, PlanFileError> {
    let namer = Namer::new(&plan.pairs, &plan.samples, plan.options.pseudonym_key.clone());
    let ledger = plan.ledger();
    let pseudonyms = Pseudonyms::new(plan.options.pseudonym_key.clone());
    let table = |table: &crate::files::Location| {
        let failed = |source| PlanFileError::Read { path: table.path().to_owned(), source };
        Ok((table.name().to_owned(), digest_of(table.path()).map_err(failed)?))
    };
    Ok(Head {
        generator: GENERATOR.to_owned(),
        layout: plan.pairs.layout.to_owned(),
        config: plan.options.config(encoder).to_string(),
        shape: plan.shape,
        channels: plan.channels as u32,
        pixel_type: plan.pixel_type,
        units: plan.units.clone(),
        split_rule: plan.splits.rule.clone(),
        joins_patients: matches!(plan.splits.source, SplitSource::Drawn(_) | SplitSource::Planned),
        bonds: plan.splits.bonds(),
        relations: plan.pairs.relations.clone(),
        rows: plan.samples.len() as u64,
        patients: plan.pairs.patients.len() as u64,
        planned_patients: ledger.planned_patients as u64,
        widths: namer.widths(),
        digest: plan_digest(plan, &namer, encoder, &ledger),
        key_check: pseudonyms.is_keyed().then(|| pseudonyms.of(KEY_CHECK)),
        roots: plan.pairs.catalog.roots().paths().count() as u32,
        made_of: MadeOf {
            tables: places.tables().iter().map(table).collect::<Result<_, _>>()?,
            headers: plan.contents[0].unwrap_or_default(),
            contours: plan.contents[1].unwrap_or_default(),
        },
        blocks: Vec::new(),
    })
}

fn digest_of(path: &Path) -> std::io::Result<[u8; 32]> {
    let (mut file, mut digest, mut block) = (File::open(path)?, Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(digest.finalize().into()),
            read => digest.update(&block[..read]),
        }
    }
}

/// Builds one block.
struct Builder<'p> {
    plan: &'p PrepPlan,
    found: &'p HashMap<u32, String>,
    block: PlanBlock,
    folders: HashMap<FolderId, u32>,
    files: HashMap<FileId, u32>,
}

impl<'p> Builder<'p> {
    fn new(plan: &'p PrepPlan, found: &'p HashMap<u32, String>) -> Self {
        Self { plan, found, block: PlanBlock::default(), folders: HashMap::new(), files: HashMap::new() }
    }

    fn build(mut self, rows: Range<usize>) -> Result<PlanBlock, PlanFileError> {
        let mut last = (None, None);
        for number in rows {
            let sample = &self.plan.samples[number];
            if last.0.replace(sample.patient) != Some(sample.patient) {
                self.add_patient(sample);
            }
            if last.1.replace(sample.study) != Some(sample.study) {
                let study = self.plan.pairs.study(sample);
                self.block.studies.push(BlockStudy {
                    patient: self.block.patients.len() as u32 - 1,
                    original_id: study.original_id.to_string(),
                    place: study.place.clone(),
                });
            }
            let row = self.row(number, sample)?;
            self.block.rows.push(row);
        }
        Ok(self.block)
    }

    fn add_patient(&mut self, sample: &Sample) {
        let patient = self.plan.pairs.patient(sample);
        let planned = self.plan.splits.planned[sample.patient as usize];
        self.block.patients.push(BlockPatient {
            number: sample.patient,
            id: patient.id.to_string(),
            folder: patient.folder.to_string(),
            split: planned.split,
            draw: planned.draw,
        });
    }

    fn row(&mut self, number: usize, sample: &Sample) -> Result<BlockRow, PlanFileError> {
        let plan = self.plan;
        let file = self.file(sample.image.file)?;
        if let Some(key) = plan.pairs.annotations.as_ref().and_then(|all| all.key(sample.image)) {
            self.block.keys.push(BlockKey { file, frame: sample.image.frame, key: key.clone() });
        }
        let mut annotations = Vec::with_capacity(sample.annotations.len());
        for refs in &sample.annotations {
            let refs = refs.iter().map(|one| Ok((self.annotation(*one)?, one.part)));
            annotations.push(refs.collect::<Result<_, PlanFileError>>()?);
        }
        let planes = sample.annotations.len();
        let audited = plan.audited.get(number * planes..(number + 1) * planes);
        Ok(BlockRow {
            id: sample.id.to_string(),
            patient: self.block.patients.len() as u32 - 1,
            study: self.block.studies.len() as u32 - 1,
            file,
            frame: sample.image.frame,
            mark: plan.mark_of(sample),
            place: plan.place(sample),
            number: sample.number,
            annotations,
            audited: audited.map_or_else(|| vec![0; planes], <[u64]>::to_vec),
            findings: self.found.get(&(number as u32)).cloned().unwrap_or_default(),
        })
    }

    /// The number of an annotation file.
    fn annotation(&mut self, one: AnnotationRef) -> Result<u32, PlanFileError> {
        let is_new = !self.files.contains_key(&one.file);
        let file = self.file(one.file)?;
        let catalog = &self.plan.pairs.catalog;
        if is_new && catalog.kind(one.file) != FileKind::ContourText {
            let failed = |source| PlanFileError::Read { path: catalog.path(one.file), source };
            let mark = read_mark(catalog, one.file).map_err(failed)?;
            let series = self.plan.pairs.annotations.as_ref().and_then(|all| all.series(one.file));
            let series = series.map(|series| (series.images.to_vec(), series.extent));
            self.block.annotations.push(BlockAnnotation { file, mark, series });
        }
        Ok(file)
    }

    fn file(&mut self, file: FileId) -> Result<u32, PlanFileError> {
        if let Some(&known) = self.files.get(&file) {
            return Ok(known);
        }
        let catalog = &self.plan.pairs.catalog;
        let folder = self.folder(catalog.folder_of(file))?;
        let number = self.block.files.len() as u32;
        let name = catalog.file_name(file).to_owned();
        self.block.files.push(BlockFile { folder, kind: catalog.kind(file), name });
        self.files.insert(file, number);
        Ok(number)
    }

    fn folder(&mut self, folder: FolderId) -> Result<u32, PlanFileError> {
        if let Some(&known) = self.folders.get(&folder) {
            return Ok(known);
        }
        let catalog = &self.plan.pairs.catalog;
        let path = catalog.folder_path(folder);
        let below = |(number, root): (u32, &Path)| {
            Some((root.as_os_str().len(), number, path.strip_prefix(root).ok()?))
        };
        let within = (0..).zip(catalog.roots().paths()).filter_map(below).max_by_key(|(length, ..)| *length);
        let place = within.and_then(|(_, root, path)| Some((root, path.to_str()?.to_owned())));
        let (root, below) = place.ok_or_else(|| PlanFileError::Name { path: path.to_owned() })?;
        let number = self.block.folders.len() as u32;
        self.block.folders.push(BlockFolder {
            root,
            path: below,
            name: catalog.folder_name(folder).to_owned(),
        });
        self.folders.insert(folder, number);
        Ok(number)
    }
}
