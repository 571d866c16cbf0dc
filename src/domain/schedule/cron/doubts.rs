//! What of an expression that can be read is not certain: AWS may read it otherwise, or not take it `[U]`. The guide does not
//! speak of it, and Quartz refuses it.

use super::{super::super::invalid::quoted, DAY_OF_MONTH, DAY_OF_WEEK, Field, HOURS, MINUTES, MONTH, YEAR, is_number};

/// What of fields that can be read AWS may read otherwise, or not take.
pub(super) fn doubts([minutes, hours, day_of_month, month, day_of_week, year]: [&str; 6]) -> Vec<String> {
    let fields = [
        (&MINUTES, minutes),
        (&HOURS, hours),
        (&DAY_OF_MONTH, day_of_month),
        (&MONTH, month),
        (&DAY_OF_WEEK, day_of_week),
        (&YEAR, year),
    ];
    fields.into_iter().flat_map(|(field, text)| [field.long_step(text), field.marked_in_list(text)]).flatten().collect()
}

impl Field {
    /// That a step leaves the field at once, so that it says nothing.
    fn long_step(&self, text: &str) -> Option<String> {
        let steps = text.split(',').filter_map(|part| part.split_once('/')).map(|(_, step)| step);
        let longest = usize::try_from(self.last).unwrap_or(usize::MAX);
        let long = |step: &&str| is_number(step) && step.parse().map_or(true, |step: usize| step > longest);
        let step = steps.into_iter().find(long)?;
        Some(format!("{}: whether a step of {step} is taken, beyond {longest}, AWS alone can tell", self.at(text)))
    }

    /// That `L` or `W` stands in a list of days.
    fn marked_in_list(&self, text: &str) -> Option<String> {
        let is_marked = |part: &&str| {
            // JUL and WED are names.
            let mut words = part.split(['-', '/']).filter(|word| self.value(word, text).is_err());
            words.any(|word| word.to_ascii_uppercase().contains(['L', 'W']))
        };
        if ![DAY_OF_MONTH.name, DAY_OF_WEEK.name].contains(&self.name) || !text.contains(',') {
            return None;
        }
        let part = text.split(',').find(is_marked)?;
        Some(format!("{}: which days {} means within a list AWS alone can tell", self.at(text), quoted(part)))
    }
}
