//! Errands: calls of modern clients, each through all the rounds in which it is asked something, and what must be true
//! of what comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use mcp_proxy::limits;
use mcp_proxy::mcp::log_level::LogLevel;
use serde_json::Value;

use super::call::Kind;
use super::servers::Who;
use super::what::What;
use super::{Weather, World};
use crate::support::answers::Part;

/// What stands in the `_meta` of all results.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// One errand.
pub(super) struct Errand {
    pub(super) server: usize,
    pub(super) who: Who,
    pub(super) what: What,
    /// What it is known by where it runs.
    pub(super) mark: u64,
    /// What its client can be asked.
    pub(super) offers: Vec<&'static str>,
    /// What it was answered with instead of a result.
    pub(super) rounds: Vec<Round>,
    /// Keys of what was answered.
    answered: BTreeSet<String>,
    /// Keys that must be asked again.
    left: BTreeSet<String>,
    progress: u64,
    /// Its server was replaced.
    pub(super) is_doomed: bool,
    pub(super) is_over: bool,
}

/// What a client is told to come back with.
pub(super) struct Round {
    pub(super) state: String,
    /// What is asked, by key: the method.
    pub(super) wanted: Vec<(String, String)>,
    /// When the request was sent that was answered so: that long ago at most the state was made.
    pub(super) sent: Duration,
    /// When its client heard of it.
    pub(super) told: Duration,
    /// How many requests are under way with it.
    pub(super) tries: usize,
    /// One of them was given up: nobody knows what has become of it.
    pub(super) is_lost: bool,
    pub(super) is_used: bool,
}

/// One request of an errand.
#[derive(Debug)]
pub(super) struct Trip {
    pub(super) errand: usize,
    pub(super) id: Value,
    pub(super) aim: Aim,
    pub(super) token: Option<Value>,
    pub(super) level: Option<LogLevel>,
    pub(super) sent: Duration,
    pub(super) takes_events: bool,
    pub(super) is_answered: bool,
}

/// What a request is for.
#[derive(Debug, Clone)]
pub(super) enum Aim {
    /// To begin.
    Begin,
    /// To go on, in this round, with answers under these keys. Where one of them is no answer, all are refused and the
    /// state stays good, unless it belongs to what is not asked any more.
    GoOn { round: usize, given: Vec<String>, is_wrong: bool },
    /// To do what nobody must.
    Intrude,
}

impl Errand {
    pub(super) fn new(server: usize, who: Who, what: What, mark: u64, offers: Vec<&'static str>) -> Errand {
        Errand {
            server,
            who,
            what,
            mark,
            offers,
            rounds: Vec::new(),
            answered: BTreeSet::new(),
            left: BTreeSet::new(),
            progress: 0,
            is_doomed: false,
            is_over: false,
        }
    }

    /// Whether its client may come back with what it was given last.
    pub(super) fn is_parked(&self) -> bool {
        !self.is_over && self.rounds.last().is_some_and(|round| !round.is_used)
    }

    /// Whether a request of it is under way.
    fn is_awaited(&self) -> bool {
        !self.is_over && self.rounds.last().is_none_or(|round| round.is_used || round.tries > 0)
    }

    /// Whether all that is asked reaches it, and stays.
    fn is_plain(&self) -> bool {
        matches!(self.what.kind, Kind::Quiz { is_sure: true }) && !self.what.is_fickle
    }
}

impl Round {
    /// Whether its state is certainly not good any more.
    pub(super) fn has_expired(&self, now: Duration) -> bool {
        now - self.told >= limits::PARKED_TIME_MAX
    }

    /// Whether it may not be.
    fn may_have_expired(&self, now: Duration) -> bool {
        now - self.sent >= limits::PARKED_TIME_MAX
    }
}

/// What comes back.
impl World {
    /// What an errand's client answers with, so that it is known again.
    pub(super) fn signature(&self, errand: usize) -> String {
        self.errands[errand].who.name().map_or_else(|| format!("errand-{errand}"), str::to_owned)
    }

    pub(super) fn on_trip(&mut self, trip: &mut Trip, part: Part) {
        match part {
            Part::Comment(_) => {}
            Part::Begin(head) => assert!(trip.takes_events && head.status == 200, "{head:?} for {trip:?}"),
            Part::Whole(head, body) => {
                let reply = serde_json::from_str(&body).expect("checked by the reader");
                self.on_trip_reply(trip, Some(head.status), &reply);
            }
            Part::Event(data) => {
                let message: Value = serde_json::from_str(&data).expect("checked by the reader");
                assert!(!trip.is_answered, "something follows the answer: {data}");
                match message["method"].as_str() {
                    None => self.on_trip_reply(trip, None, &message),
                    Some(method) => self.on_trip_notice(trip, method, &message),
                }
            }
            Part::End => assert!(trip.is_answered, "no reply to {trip:?}"),
            Part::Continue | Part::Endpoint(_) | Part::Priming => panic!("{part:?} for {trip:?}"),
        }
    }

    /// There are no requests on a stream of the modern era, and nothing that nobody has asked for.
    fn on_trip_notice(&mut self, trip: &Trip, method: &str, message: &Value) {
        let params = &message["params"];
        assert!(message.get("id").is_none(), "a request for {trip:?}: {message}");
        match method {
            "notifications/progress" => {
                assert_eq!(Some(&params["progressToken"]), trip.token.as_ref(), "{message}");
                let progress = params["progress"].as_u64().expect("steps");
                let last = std::mem::replace(&mut self.errands[trip.errand].progress, progress);
                assert!(progress > last, "{message} after {last}");
                self.tally.progress += 1;
            }
            "notifications/message" => {
                let level: LogLevel = serde_json::from_value(params["level"].clone()).expect("a level");
                assert!(trip.level.is_some_and(|least| level >= least), "{message} for {trip:?}");
                self.tally.lines += 1;
            }
            other => panic!("{other} for {trip:?}"),
        }
    }

    fn on_trip_reply(&mut self, trip: &mut Trip, status: Option<u16>, reply: &Value) {
        assert_eq!(reply["id"], trip.id, "{reply}");
        assert!(!std::mem::replace(&mut trip.is_answered, true), "a second answer to {trip:?}: {reply}");
        // A resource that there is not has the same code, and more to say.
        let is_refused = reply["error"]["code"] == -32602 && reply["error"].get("data").is_none();
        match &trip.aim {
            Aim::Begin => {}
            Aim::Intrude => {
                let is_judged = is_refused && status.is_none_or(|status| status == 200);
                let is_too_late = self.is_ending && reply["error"]["code"] == -32603;
                assert!(is_judged || is_too_late, "{trip:?} succeeds: {reply}");
                self.tally.intrusions += 1;
                return;
            }
            Aim::GoOn { round, given, is_wrong } => {
                if self.on_state_refused(trip, *round, is_refused, *is_wrong) {
                    return;
                }
                self.errands[trip.errand].on_answers_taken(given);
                self.tally.returns += 1;
            }
        }
        assert!(!self.errands[trip.errand].is_over, "an errand ends twice: {reply}");
        match (&reply["result"]["resultType"], reply.get("error")) {
            (_, Some(error)) => self.on_trip_failed(trip, status, error, reply),
            (Value::String(result), None) if result == "input_required" => self.on_parked(trip, reply),
            (_, None) => self.on_trip_done(trip, reply),
        }
    }

    /// A client has come back. Says whether its state was refused, which must have had a reason.
    fn on_state_refused(&mut self, trip: &Trip, round: usize, is_refused: bool, is_wrong: bool) -> bool {
        let (now, is_ending) = (self.clock.passed(), self.is_ending);
        let errand = &mut self.errands[trip.errand];
        let round = &mut errand.rounds[round];
        round.tries -= 1;
        if !is_refused {
            assert!(!round.is_used, "a state is good for two: {trip:?}");
            assert!(!round.has_expired(trip.sent), "a state is good for ever: {trip:?}");
            round.is_used = true;
            return false;
        }
        let has_rival = round.is_used || round.is_lost || round.tries > 0;
        let is_excused = has_rival || is_wrong || errand.is_doomed || is_ending || round.may_have_expired(now);
        assert!(is_excused, "a state is good for nobody: {trip:?}");
        self.tally.refusals += 1;
        true
    }

    fn on_parked(&mut self, trip: &Trip, reply: &Value) {
        let result = &reply["result"];
        let state = result["requestState"].as_str().expect("a state").to_owned();
        assert!(self.states.insert(state.clone()), "a state for two: {reply}");
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "demo", "{reply}");
        let (now, errand) = (self.clock.passed(), &mut self.errands[trip.errand]);
        let may_be_asked = ["tools/call", "prompts/get", "resources/read"].contains(&errand.what.method);
        assert!(may_be_asked, "nobody can come back with {}: {reply}", errand.what.method);
        let mut wanted = Vec::new();
        for (key, request) in result["inputRequests"].as_object().expect("requests") {
            let method = request["method"].as_str().expect("a method");
            let offer = method.split('/').next().unwrap_or_default();
            assert!(errand.offers.contains(&offer), "it was never offered: {reply}");
            assert!(!errand.answered.contains(key), "asked twice: {reply}");
            wanted.push((key.clone(), method.to_owned()));
        }
        assert!(!wanted.is_empty(), "nothing is asked: {reply}");
        let is_asked_again = |key: &String| wanted.iter().any(|(other, _)| other == key);
        assert!(!errand.is_plain() || errand.left.iter().all(is_asked_again), "{:?} is forgotten", errand.left);
        self.tally.rounds += 1;
        self.tally.bundles += usize::from(wanted.len() > 1);
        let round = Round { state, wanted, sent: trip.sent, told: now, tries: 0, is_lost: false, is_used: false };
        errand.rounds.push(round);
    }

    fn on_trip_done(&mut self, trip: &Trip, reply: &Value) {
        let who = self.signature(trip.errand);
        let errand = &mut self.errands[trip.errand];
        let result = &reply["result"];
        assert_eq!(result["resultType"], "complete", "{reply:.300}");
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "demo", "{reply:.300}");
        assert!(errand.what.kind.is_answered_by(result, &who), "not the answer for {who}: {reply:.300}");
        assert!(!errand.is_plain() || errand.left.is_empty(), "{:?} was never asked again", errand.left);
        let is_cacheable = errand.what.method.ends_with("/list") || errand.what.method == "resources/read";
        let is_cacheable = is_cacheable || errand.what.method == "server/discover";
        assert_eq!(result["cacheScope"] == "private" && result["ttlMs"] == 0, is_cacheable, "{reply:.300}");
        errand.is_over = true;
        self.tally.errands += 1;
        self.tally.fulfilled += usize::from(!errand.rounds.is_empty());
    }

    fn on_trip_failed(&mut self, trip: &Trip, status: Option<u16>, error: &Value, reply: &Value) {
        let errand = &mut self.errands[trip.errand];
        errand.is_over = true;
        let (server, mark, is_doomed) = (errand.server, errand.mark, errand.is_doomed);
        match (error["code"].as_i64(), &errand.what.kind) {
            (Some(-32601), Kind::Unknown) => assert!(status.is_none_or(|status| status == 404), "{status:?} {reply}"),
            (Some(-32602), Kind::Missing) => assert!(status.is_none_or(|status| status == 200), "{status:?} {reply}"),
            (Some(-32021), kind) => {
                assert!(errand.offers.len() < 3 && status.is_none_or(|status| status == 400), "{status:?} {reply}");
                let asks = matches!(kind, Kind::Quiz { .. } | Kind::Roots | Kind::Sample | Kind::Ask);
                // Elsewhere another call may have asked, which has ended meanwhile.
                assert!(asks || !self.servers[server].is_telling(), "nothing was asked: {reply}");
                assert!(error["data"]["requiredCapabilities"].as_object().is_some_and(|needed| !needed.is_empty()));
                self.tally.incapable += 1;
            }
            _ => {
                self.tally.failures += 1;
                self.check_excuse(server, mark, reply);
                if !is_doomed {
                    self.assert_trouble(server, reply);
                }
            }
        }
    }

    /// The client of a request has gone.
    pub(super) fn on_trip_lost(&mut self, trip: &Trip) {
        let errand = &mut self.errands[trip.errand];
        match &trip.aim {
            Aim::Intrude => {}
            _ if trip.is_answered => {}
            Aim::Begin => errand.is_over = true,
            Aim::GoOn { round, .. } => {
                errand.rounds[*round].tries -= 1;
                errand.rounds[*round].is_lost = true;
            }
        }
    }

    /// An upstream was told that a call is cancelled. Whoever is to come back for it has not done that.
    pub(super) fn on_cancelled_upstream(&mut self, mark: u64) {
        let now = self.clock.passed();
        let Some(errand) = self.errands.iter().find(|errand| errand.mark == mark) else { return };
        let round = errand.rounds.last();
        let is_excused = errand.is_doomed
            || self.is_ending
            || round.is_some_and(|round| round.is_lost || round.may_have_expired(now));
        if is_excused {
            return;
        }
        let is_rough = self.weather_of(errand.server) != Weather::Fair;
        // One that has nobody to ask any more may be too slow, and elsewhere it may be another's ask that it waits for.
        let is_slow = is_rough && (errand.what.is_fickle || !self.servers[errand.server].is_telling());
        assert!(!errand.is_parked() || round.is_some_and(|round| round.tries > 0) || is_slow, "call {mark} was parked");
        assert!(!errand.is_awaited() || is_rough, "somebody waits for call {mark}");
    }
}

impl Errand {
    /// The answers under these keys were taken; what is missing is asked again.
    fn on_answers_taken(&mut self, given: &[String]) {
        let wanted = self.rounds.last().map(|round| round.wanted.as_slice()).unwrap_or_default();
        self.left = wanted.iter().map(|(key, _)| key.clone()).filter(|key| !given.contains(key)).collect();
        self.answered.extend(given.iter().cloned());
    }
}
