//! Tensors of the library as numpy arrays over the same memory.
//!
//! The only file with unsafe code: numpy takes a pointer and the object that owns what it points to.

use std::process;

use dicomprep::stream::{Batch, BatchPool, ElementType, TensorBytes, TensorPool, TensorSchema};
use numpy::ndarray::{ArrayViewMutD, IxDyn};
use numpy::{Element, PyArray, PyArrayDescrMethods};
use pyo3::prelude::*;

/// Owner of tensors that arrays show. Its memory is used again, or freed, once no array is left.
#[pyclass(frozen)]
pub(crate) struct Tensors(Held);

enum Held {
    Batch { batch: Option<Box<Batch>>, pool: Option<BatchPool>, process: u32 },
    Alone { tensor: TensorBytes, pool: TensorPool },
}

impl Drop for Tensors {
    fn drop(&mut self) {
        match &mut self.0 {
            Held::Batch { batch, pool, process } => {
                if let (Some(batch), Some(pool)) = (batch.take(), pool.take()) {
                    // In a forked child the pool's lock may be held by a thread that does not exist there.
                    if *process == process::id() { pool.recycle(*batch) } else { std::mem::forget(pool) }
                }
            }
            Held::Alone { tensor, pool } => pool.recycle(std::mem::take(tensor)),
        }
    }
}

/// Images and masks of `batch`, as arrays whose first axis is the samples. Memory goes back to `pool` when both arrays,
/// and all arrays made of them, have gone.
pub(crate) fn of_batch<'py>(
    py: Python<'py>,
    mut batch: Batch,
    schemas: [&TensorSchema; 2],
    pool: Option<BatchPool>,
) -> PyResult<[Bound<'py, PyAny>; 2]> {
    let samples = batch.samples.len();
    let images = Raw::new(&mut batch.images);
    let masks = Raw::new(&mut batch.masks);
    let held = Held::Batch { batch: Some(Box::new(batch)), pool, process: process::id() };
    let owner = Bound::new(py, Tensors(held))?.into_any();
    let shape = |schema: &TensorSchema| [&[samples], &schema.shape[..]].concat();
    Ok([
        array(images, schemas[0].element, &shape(schemas[0]), &owner)?,
        array(masks, schemas[1].element, &shape(schemas[1]), &owner)?,
    ])
}

/// One tensor as an array of the shape of its schema. Its memory goes back to `pool` when the array, and all arrays made
/// of it, have gone.
pub(crate) fn of_tensor<'py>(
    py: Python<'py>,
    mut bytes: TensorBytes,
    schema: &TensorSchema,
    pool: &TensorPool,
) -> PyResult<Bound<'py, PyAny>> {
    let raw = Raw::new(&mut bytes);
    let held = Held::Alone { tensor: bytes, pool: pool.clone() };
    let owner = Bound::new(py, Tensors(held))?.into_any();
    array(raw, schema.element, &schema.shape, &owner)
}

/// Pages of a tensor. They stay where they are when the tensor is moved.
#[derive(Clone, Copy)]
struct Raw {
    first: *mut u8,
    bytes: usize,
}

impl Raw {
    fn new(tensor: &mut TensorBytes) -> Self {
        Self { first: tensor.as_mut_ptr(), bytes: tensor.len() }
    }
}

fn array<'py>(
    raw: Raw,
    element: ElementType,
    shape: &[usize],
    owner: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    match element {
        ElementType::UInt8 => typed::<u8>(raw, shape, owner),
        ElementType::Int16 => typed::<i16>(raw, shape, owner),
        ElementType::UInt16 => typed::<u16>(raw, shape, owner),
        ElementType::Float16 => typed::<half::f16>(raw, shape, owner),
        ElementType::Float32 => typed::<f32>(raw, shape, owner),
    }
}

#[expect(unsafe_code, reason = "numpy takes a pointer and its owner")]
fn typed<'py, T: Element>(
    raw: Raw,
    shape: &[usize],
    owner: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let numbers = shape.iter().product::<usize>();
    debug_assert_eq!(T::get_dtype(owner.py()).itemsize(), size_of::<T>());
    if numbers == 0 || numbers * size_of::<T>() != raw.bytes || !raw.first.cast::<T>().is_aligned() {
        return Ok(PyArray::<T, _>::zeros(owner.py(), IxDyn(shape), false).into_any());
    }
    // SAFETY: the pages hold exactly these numbers, checked above, of a type without invalid values. `owner` has them until the
    // last array has gone, and nobody else writes or reads them until then: `Tensors` gives no access.
    let array = unsafe {
        let view = ArrayViewMutD::from_shape_ptr(IxDyn(shape), raw.first.cast::<T>());
        PyArray::borrow_from_array(&view, owner.clone())
    };
    Ok(array.into_any())
}
