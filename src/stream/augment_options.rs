//! The augmentation that the options of a stream ask for.

use super::option_error::OptionError;
use super::options::StreamOptions;
use crate::augment::AugmentSpec;

impl StreamOptions {
    /// The augmentation that the options ask for: [`StreamOptions::augment`] with the values that other fields replace;
    /// `None` where none asks for any.
    ///
    /// # Errors
    /// Those of `AugmentSource::read`; [`OptionError::Augment`] where a value is out of its range.
    pub fn augment_spec(&self) -> Result<Option<AugmentSpec>, OptionError> {
        let mut spec = match &self.augment {
            Some(source) => source.read()?,
            None => AugmentSpec::default(),
        };
        self.replace(&mut spec);
        if self.augment.is_none() && spec == AugmentSpec::default() {
            return Ok(None);
        }
        spec.check().map_err(OptionError::Augment)?;
        Ok(Some(spec))
    }

    /// Replaces what is given by an option of its own.
    fn replace(&self, spec: &mut AugmentSpec) {
        fn set<T: Clone>(field: &mut T, given: Option<&T>) {
            if let Some(given) = given {
                field.clone_from(given);
            }
        }
        set(&mut spec.rotation_range, self.rotation_range.as_ref());
        set(&mut spec.width_shift_range, self.width_shift_range.as_ref());
        set(&mut spec.height_shift_range, self.height_shift_range.as_ref());
        set(&mut spec.shear_range, self.shear_range.as_ref());
        set(&mut spec.zoom_range, self.zoom_range.as_ref());
        set(&mut spec.channel_shift_range, self.channel_shift_range.as_ref());
        set(&mut spec.cval, self.cval.as_ref());
        set(&mut spec.fill_mode, self.fill_mode.as_ref());
        set(&mut spec.interpolation_order, self.interpolation_order.as_ref());
        spec.brightness_range = self.brightness_range.or(spec.brightness_range);
        set(&mut spec.zoom_isotropic, self.zoom_isotropic.as_ref());
        set(&mut spec.horizontal_flip, self.horizontal_flip.as_ref());
        set(&mut spec.vertical_flip, self.vertical_flip.as_ref());
    }
}
