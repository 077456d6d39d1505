//! Replays the committed corpora of the fuzz targets: what was found once stays found.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::fuzzed::TARGETS;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

#[test]
fn every_input_of_every_corpus_still_passes() {
    for (name, target) in TARGETS {
        let mut inputs: Vec<PathBuf> =
            fs::read_dir(corpora().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "the corpus of {name} is empty");
        for path in inputs {
            println!("{}", path.display()); // shown only if it fails
            target(&fs::read(&path).unwrap());
        }
    }
}

#[test]
fn every_corpus_has_a_target() {
    for entry in fs::read_dir(corpora()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "fuzz/corpus/{name} is replayed by nothing");
    }
}
