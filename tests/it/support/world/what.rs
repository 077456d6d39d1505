//! What modern clients call.

use serde_json::{Value, json};

use super::call::Kind;
use super::moderns::{LEVELS, OFFERS};
use super::{Weather, World};

/// What is called.
pub(super) struct What {
    pub(super) method: &'static str,
    /// The member of the parameters that names it, and the name.
    pub(super) about: Option<(&'static str, String)>,
    pub(super) arguments: Option<Value>,
    pub(super) kind: Kind,
    /// Whether it does otherwise than wait for the answers to what it asks.
    pub(super) is_fickle: bool,
}

impl World {
    pub(super) fn new_what(&mut self, server: usize) -> What {
        let marker = self.markers;
        match self.rng.below(20) {
            0..=6 => self.new_quiz(server),
            7 => tool("roots", json!({}), Kind::Roots),
            8 => tool("sample", json!({}), Kind::Sample),
            9 => tool("ask", json!({}), Kind::Ask),
            10 | 11 => {
                let steps = self.rng.between(1, 5) as u64;
                let millis = *self.rng.pick(&[0, 10, 1_000, 30_000]);
                let seconds = self.rng.between(0, millis) as f64 / 1_000.0;
                tool("slow", json!({"seconds": seconds, "steps": steps}), Kind::Slow(steps))
            }
            12 => {
                let marker = format!("modern {marker}\u{2028}é\n");
                tool("echo", json!({"message": marker.as_str()}), Kind::Echo(marker))
            }
            13 => tool("add", json!({"a": marker, "b": 1}), Kind::Add(marker, 1)),
            14 => {
                let level = self.rng.pick(&LEVELS).as_str();
                tool("log", json!({"count": self.rng.between(1, 3), "level": level}), Kind::Log)
            }
            15 => {
                let list = *self.rng.pick(&["tools", "prompts", "resources"]);
                tool("toggle", json!({"list": list}), Kind::Other(Some("content")))
            }
            16 => tool("bump", json!({}), Kind::Other(Some("content"))),
            17 => {
                let (method, member) = *self.rng.pick(&[
                    ("tools/list", "tools"),
                    ("prompts/list", "prompts"),
                    ("resources/list", "resources"),
                    ("resources/templates/list", "resourceTemplates"),
                    ("server/discover", "supportedVersions"),
                ]);
                other(method, None, Kind::Other(Some(member)))
            }
            18 => self.new_reading(),
            _ => self.rarer_what(),
        }
    }

    fn new_reading(&mut self) -> What {
        match self.rng.below(3) {
            0 => other("prompts/get", Some(("name", "tour")), Kind::Other(Some("messages"))),
            1 => other("resources/read", Some(("uri", "demo://counter")), Kind::Other(Some("contents"))),
            _ => other("resources/read", Some(("uri", "demo://nowhere")), Kind::Missing),
        }
    }

    fn rarer_what(&mut self) -> What {
        match self.rng.below(4) {
            0 if self.weather == Weather::Stormy => tool("crash", json!({}), Kind::Crash),
            0 | 1 => {
                let bytes = self.rng.between(1, 300_000);
                tool("big", json!({"bytes": bytes}), Kind::Big(bytes))
            }
            _ => other("no/such", None, Kind::Unknown),
        }
    }

    fn new_quiz(&mut self, server: usize) -> What {
        let is_sure = self.servers[server].is_telling();
        let mut moods = vec!["patient", "patient", "patient", "withdraws", "shrinks", "hasty"];
        // An ask that comes while its call is parked: elsewhere it would be taken for another call's.
        moods.extend(is_sure.then_some("nags"));
        moods.extend((self.weather == Weather::Stormy).then_some("dies"));
        let mood = *self.rng.pick(&moods);
        let rounds_max = if mood == "shrinks" && !is_sure { 1 } else { 3 };
        let rounds = self.rng.between(1, rounds_max);
        let rounds: Vec<Vec<&str>> = (0..rounds)
            .map(|_| {
                let count = self.rng.between(1, 3);
                (0..count).map(|_| *self.rng.pick(&OFFERS)).collect()
            })
            .collect();
        let millis = *self.rng.pick(&[0, 10, 30, 1_000, 20_000, 110_000, 200_000]);
        let is_strict = self.rng.one_in(2);
        let arguments = json!({"rounds": rounds, "mood": mood, "millis": millis, "strict": is_strict});
        let is_fickle = mood != "patient";
        What { is_fickle, ..tool("quiz", arguments, Kind::Quiz { is_sure }) }
    }
}

pub(super) fn tool(name: &str, arguments: Value, kind: Kind) -> What {
    let about = Some(("name", name.to_owned()));
    What { method: "tools/call", about, arguments: Some(arguments), kind, is_fickle: false }
}

fn other(method: &'static str, about: Option<(&'static str, &str)>, kind: Kind) -> What {
    let about = about.map(|(member, name)| (member, name.to_owned()));
    What { method, about, arguments: None, kind, is_fickle: false }
}
