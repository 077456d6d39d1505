//! `tools/call`: what each tool does. How the tools are described is in [`super::catalogue`].

use std::time::Instant;

use serde_json::{Map, Number, Value, json};

use super::args::Args;
use super::asks::Ask;
use super::calls::Slow;
use super::catalogue::Tool;
use super::level::Level;
use super::message::{self, Fault, Id};
use super::pages::List;
use super::resources::COUNTER_URI;
use super::{Answer, DemoServer, Effect, Phase};
use crate::limits::{DEMO_BIG_BYTES_MAX, DEMO_LOG_COUNT_MAX, DEMO_SLOW_SECONDS_MAX, DEMO_SLOW_STEPS_MAX};

/// The exit status of `crash` if none is asked for: neither success nor what a panic or a usage error would give.
const CRASH_CODE: u64 = 3;

impl DemoServer {
    pub(super) fn on_call(&mut self, id: &Id, params: &Map<String, Value>, now: Instant) -> Result<Answer, Fault> {
        let name = message::text(params, "name")?;
        let args = Args(message::object(params.get("arguments"), "arguments")?);
        let tool = Tool::read(name)
            .filter(|tool| *tool != Tool::Toggled || self.toggled.contains(&List::Tools))
            .ok_or_else(|| Fault::params(format!("unknown tool `{name}`")))?;
        if self.calls.is_in_flight(id) {
            return Err(Fault::request("a call with this id is still in flight"));
        }
        let progress_token = progress_token(params)?;
        let outcome = match tool {
            Tool::Echo => echo(&args),
            Tool::Add => add(&args),
            Tool::Big => big(&args),
            Tool::Slow => return Ok(self.on_slow(id, &args, progress_token, now)),
            Tool::Ask => return Ok(self.on_ask(id, &args, Ask::Form)),
            Tool::Sample => return Ok(self.on_ask(id, &args, Ask::Sample)),
            Tool::Roots => return Ok(self.on_ask(id, &args, Ask::Roots)),
            Tool::Log => self.on_log(&args),
            Tool::Bump => Ok(self.on_bump()),
            Tool::Toggle => self.on_toggle(&args),
            Tool::Crash => return Ok(self.on_crash(&args)),
            Tool::Toggled => Ok(text("You found the tool that comes and goes.")),
        };
        Ok(Answer::Now(outcome.unwrap_or_else(failure)))
    }

    fn on_slow(&mut self, id: &Id, args: &Args, progress_token: Option<Value>, now: Instant) -> Answer {
        if self.calls.is_full() {
            return Answer::Now(too_many_calls());
        }
        let seconds = args.fraction("seconds", 5.0, DEMO_SLOW_SECONDS_MAX);
        let steps = args.whole("steps", Some(5), 1, DEMO_SLOW_STEPS_MAX);
        match (seconds, steps) {
            (Ok(seconds), Ok(steps)) => {
                let slow = Slow { started: now, seconds, steps, steps_done: 0, progress_token };
                self.calls.add_slow(id.clone(), slow);
                Answer::Later
            }
            (Err(problem), _) | (_, Err(problem)) => Answer::Now(failure(problem)),
        }
    }

    fn on_ask(&mut self, id: &Id, args: &Args, ask: Ask) -> Answer {
        let Phase::Open(client) = &self.phase else { return Answer::Later };
        if !ask.is_offered(&client.capabilities) {
            return Answer::Now(failure(ask.refusal()));
        }
        if self.calls.is_full() {
            return Answer::Now(too_many_calls());
        }
        let params = match ask.params(args) {
            Ok(params) => params,
            Err(problem) => return Answer::Now(failure(problem)),
        };
        let ask_id = self.calls.add_ask(id.clone(), ask);
        self.say([("id", Some(ask_id.into())), ("method", Some(ask.method().into())), ("params", params)]);
        Answer::Later
    }

    fn on_log(&mut self, args: &Args) -> Result<Value, String> {
        let level = args.text("level")?.unwrap_or(Level::Info.name());
        let level = Level::read(level).ok_or_else(|| {
            let known = Level::ALL.map(Level::name).join(", ");
            format!("`level` must be one of {known}, not {level}.")
        })?;
        let message = args.text("message")?.unwrap_or("Hello from the demo server.").to_owned();
        let count = args.whole("count", Some(1), 1, DEMO_LOG_COUNT_MAX)?;
        if level < self.level {
            let (level, least) = (level.name(), self.level.name());
            return Ok(text(format!("Not sent: {level} is below the log level in force, which is {least}.")));
        }
        for number in 1..=count {
            let data = if count == 1 { message.clone() } else { format!("{message} ({number} of {count})") };
            let params = json!({ "level": level.name(), "logger": "demo", "data": data });
            self.notify("notifications/message", Some(params));
        }
        let messages = if count == 1 { "message" } else { "messages" };
        Ok(text(format!("Sent {count} log {messages} at level {}.", level.name())))
    }

    fn on_bump(&mut self) -> Value {
        self.counter += 1;
        if self.subscriptions.contains(COUNTER_URI) {
            self.notify("notifications/resources/updated", Some(json!({ "uri": COUNTER_URI })));
        }
        text(format!("{COUNTER_URI} is now {}.", self.counter))
    }

    fn on_toggle(&mut self, args: &Args) -> Result<Value, String> {
        let (list, extra) = match args.text("list")?.unwrap_or("tools") {
            "tools" => (List::Tools, "tool `toggled`"),
            "prompts" => (List::Prompts, "prompt `toggled`"),
            "resources" => (List::Resources, "resource `demo://toggled`"),
            other => return Err(format!("`list` must be one of tools, prompts, resources, not {other}.")),
        };
        let is_gone = self.toggled.remove(&list);
        if !is_gone {
            self.toggled.insert(list);
        }
        self.notify(&format!("notifications/{}/list_changed", list.member()), None);
        Ok(text(format!("The {extra} is {}.", if is_gone { "gone" } else { "there" })))
    }

    /// The one tool that gets no answer when it works.
    fn on_crash(&mut self, args: &Args) -> Answer {
        let code = args.whole("code", Some(CRASH_CODE), 0, 255);
        let message = args.text("message").map(|message| message.unwrap_or("demo: crashing, as asked").to_owned());
        match (code, message) {
            (Ok(code), Ok(message)) => {
                self.output.push_back(Effect::Stderr(message));
                self.output.push_back(Effect::Exit(i32::try_from(code).unwrap_or(1)));
                self.calls.clear();
                self.phase = Phase::Over;
                Answer::Later
            }
            (Err(problem), _) | (_, Err(problem)) => Answer::Now(failure(problem)),
        }
    }
}

fn echo(args: &Args) -> Result<Value, String> {
    args.text("message")?.map(text).ok_or_else(|| "`message` is missing: it must be a string.".to_owned())
}

/// Whole numbers are added exactly, as long as they and their sum are within 64 bits.
fn add(args: &Args) -> Result<Value, String> {
    let (a, b) = (args.number("a")?, args.number("b")?);
    let exact = a.as_i64().zip(b.as_i64()).and_then(|(a, b)| a.checked_add(b));
    let float = || a.as_f64().zip(b.as_f64()).and_then(|(a, b)| Number::from_f64(a + b));
    let sum = exact.map(Number::from).or_else(float).ok_or("The sum is larger than a number can be.")?;
    let mut result = text(sum.to_string());
    if let Some(result) = result.as_object_mut() {
        result.insert("structuredContent".into(), json!({ "sum": sum }));
    }
    Ok(result)
}

/// Each 16 bytes of the text say their own offset: a piece that is lost, doubled or misplaced on the way shows.
fn big(args: &Args) -> Result<Value, String> {
    const CELL: usize = 16;
    let bytes = args.whole("bytes", None, 0, DEMO_BIG_BYTES_MAX as u64)?;
    let bytes = usize::try_from(bytes).unwrap_or(DEMO_BIG_BYTES_MAX);
    let mut big = String::with_capacity(bytes + CELL);
    while big.len() < bytes {
        big.push_str(&format!("{:015} ", big.len()));
    }
    big.truncate(bytes);
    Ok(text(big))
}

/// basic/utilities/progress: a token is a string or an integer.
fn progress_token(params: &Map<String, Value>) -> Result<Option<Value>, Fault> {
    match message::object(params.get("_meta"), "_meta")?.remove("progressToken") {
        None => Ok(None),
        Some(token) if token.is_string() || token.is_i64() || token.is_u64() => Ok(Some(token)),
        Some(_) => Err(Fault::params("`progressToken` must be a string or an integer")),
    }
}

fn too_many_calls() -> Value {
    failure("Too many calls are in flight. Wait for some of them, or cancel them.")
}

/// A tool's result with this text.
pub(super) fn text(text: impl Into<String>) -> Value {
    let mut block = Map::new();
    block.insert("type".into(), "text".into());
    block.insert("text".into(), Value::String(text.into()));
    let mut result = Map::new();
    result.insert("content".into(), Value::Array(vec![Value::Object(block)]));
    Value::Object(result)
}

/// A tool's result that says what went wrong.
pub(super) fn failure(problem: impl Into<String>) -> Value {
    let mut result = text(problem);
    if let Some(result) = result.as_object_mut() {
        result.insert("isError".into(), true.into());
    }
    result
}
