//! "Did you mean": the known name that is closest to a misspelt one.

/// Longer than any name we know: such a typed name is no misspelling, and comparing it would only cost time.
const TYPED_BYTES_MAX: usize = 64;

/// The name among `known` that `typed` probably stands for; letter case does not count. `None` where nothing is near:
/// more than every third letter would have to change.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > TYPED_BYTES_MAX {
        return None;
    }
    let typed = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&typed, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= typed.len().max(name.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
