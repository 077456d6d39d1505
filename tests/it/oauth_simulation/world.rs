//! The authorization server, its clients and users, a disk that may fail, and the model that is held against it.

use mcp_proxy::codec::form;
use mcp_proxy::oauth::answer::Answer;
use mcp_proxy::oauth::settings::Settings;
use mcp_proxy::oauth::store::ledger::Job;
use mcp_proxy::oauth::{Posted, Ticket, Visit};

use super::model::{Code, Deed, Expected, Family, Leaf, Tally};
use crate::support::lives::Life;
use crate::support::oauth::{
    ADA_HASH, App, CLAUDE, Desk, Disk, Tokens, WithUser, parameter, read_tokens, settings, success_url,
};
use crate::support::rng::Rng;

pub(super) const STEPS: u64 = 60;
const EXPIRY: u64 = 3_600;
const IDLE: u64 = 30 * 86_400;
/// Fewer than the bound, so that nothing is pushed out.
const FAMILY_TOKENS_MAX: usize = 40;

const USERS: [&str; 2] = ["ada", "bob"];
const SERVERS: [&str; 2] = ["demo", "other"];

fn settings_of(has_bob: bool) -> Settings {
    if has_bob { settings().with_user("bob", ADA_HASH) } else { settings() }
}

pub(super) struct World {
    desk: Desk,
    rng: Rng,
    is_loud: bool,
    apps: Vec<App>,
    families: Vec<Family>,
    codes: Vec<Code>,
    has_bob: bool,
    /// Families whose end could not be written when it came.
    unwritten: Vec<usize>,
    pub(super) tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64, is_loud: bool) -> World {
        let desk = Desk::with(settings_of(true));
        let mut world = World {
            desk,
            rng: Rng::new(seed),
            is_loud,
            apps: Vec::new(),
            families: Vec::new(),
            codes: Vec::new(),
            has_bob: true,
            unwritten: Vec::new(),
            tally: Tally::default(),
        };
        world.add_app();
        world.add_app();
        world
    }

    fn say(&self, what: &str) {
        if self.is_loud {
            println!("{}: {what}", self.desk.now());
        }
    }

    pub(super) fn run(&mut self, life: &Life) {
        for step in &life.steps {
            self.rng = Life::rng_of(life.seed, *step);
            self.step();
            self.check();
        }
    }

    fn step(&mut self) {
        match self.rng.below(20) {
            0 => self.add_app(),
            1..=4 => self.log_in(),
            5..=7 => self.redeem_any(),
            8..=12 => self.refresh_any(),
            13 => self.steal(),
            14 => self.revoke_access(),
            15 | 16 => self.at_once(),
            17 => self.restart(),
            18 => self.change_users(),
            _ => self.pass(),
        }
    }

    /// Every token that was answered works, or does not, as the model has it.
    fn check(&mut self) {
        let now = self.desk.now();
        for family in &self.families {
            for (token, expires_at) in &family.access {
                for server in SERVERS {
                    let is_covered = family.server.is_none_or(|own| own == server);
                    let expected = family.is_alive && *expires_at > now && is_covered;
                    assert_eq!(self.desk.opens(token, server), expected, "{server} for {family:?} at {now}");
                    self.tally.checks += 1;
                }
            }
        }
    }

    fn pass(&mut self) {
        let seconds = *self.rng.pick(&[1, 20, 50, 59, 60, 61, 119, 120, 121, 600, 1_800, 3_600, 86_400]);
        self.say(&format!("{seconds} s pass"));
        if self.rng.one_in(3) { self.desk.pass(seconds) } else { self.desk.pass_and_sweep(seconds) }
    }

    /// A client that is used at once: one that is not may be forgotten.
    fn add_app(&mut self) {
        self.desk.pass(21); // so that there is never a flood
        let app = if self.rng.one_in(2) { self.desk.public_app(CLAUDE) } else { self.desk.secret_app(CLAUDE) };
        self.apps.push(app);
        let (app, user) = (self.apps.len() - 1, 0);
        self.log_in_as(app, user, None);
        let code = self.codes.len() - 1;
        self.redeem(code);
    }

    fn log_in(&mut self) {
        let user = self.rng.below(if self.has_bob { 2 } else { 1 });
        let (app, server) = (self.rng.below(self.apps.len()), *self.rng.pick(&[None, Some("demo"), Some("other")]));
        self.log_in_as(app, user, server);
    }

    fn log_in_as(&mut self, app: usize, user: usize, server: Option<&'static str>) {
        let resource = server.map(|server| format!("https://mcp.example.com/base/{server}/mcp"));
        let more: Vec<(&str, &str)> = resource.iter().map(|resource| ("resource", resource.as_str())).collect();
        let form = self.desk.login_form(&self.apps[app], &more);
        let answer = self.desk.type_in(&form, (USERS[user], "password"));
        let code = parameter(&success_url(&answer), "code").unwrap();
        self.say(&format!("{} logs in with app {app} for {server:?}", USERS[user]));
        let issued_at = self.desk.now();
        self.codes.push(Code { app, user, server, code, issued_at, redeemed: None });
    }

    fn redeem_any(&mut self) {
        if !self.codes.is_empty() {
            let code = self.rng.below(self.codes.len());
            self.redeem(code);
        }
    }

    fn redeem(&mut self, code: usize) {
        let ticket = self.start(Deed::Redeem { code });
        let answer = self.desk.answer(ticket).unwrap();
        self.on_answered(Deed::Redeem { code }, &answer);
    }

    fn refresh_any(&mut self) {
        if let Some((family, leaf)) = self.any_leaf() {
            let deed = Deed::Refresh { family, leaf };
            let ticket = self.start(deed);
            let answer = self.desk.answer(ticket).unwrap();
            self.on_answered(deed, &answer);
        }
    }

    fn any_leaf(&mut self) -> Option<(usize, usize)> {
        let family = self.rng.below(self.families.len());
        let leaves = self.families[family].leaves.len();
        if leaves == 0 || leaves > FAMILY_TOKENS_MAX {
            return None;
        }
        // Mostly the newest, as clients do.
        let leaf = if self.rng.one_in(3) { self.rng.below(leaves) } else { leaves - 1 };
        Some((family, leaf))
    }

    /// Another client shows a refresh token: nothing comes of it.
    fn steal(&mut self) {
        let Some((family, leaf)) = self.any_leaf() else { return };
        let thief = (self.families[family].app + 1) % self.apps.len();
        let token = self.families[family].leaves[leaf].token.clone();
        let app = self.apps[thief].clone();
        assert_eq!(self.desk.refresh(&app, &token, &[]).status, 400);
        assert_eq!(self.desk.revoke(&app, &token).status, 200);
    }

    fn revoke_access(&mut self) {
        let family = self.rng.below(self.families.len());
        let family = &mut self.families[family];
        if let Some((token, _)) = family.access.pop() {
            let app = self.apps[family.app].clone();
            assert_eq!(self.desk.revoke(&app, &token).status, 200);
            assert!(!self.desk.opens(&token, "demo"));
            self.tally.revocations += 1;
        }
    }

    /// Requests for several families at once, while the disk is slow. It writes them, or fails, or the machine stops
    /// when some are written and nobody was answered.
    fn at_once(&mut self) {
        self.desk.is_holding = true;
        let mut deeds: Vec<(Deed, Ticket)> = Vec::new();
        let mut busy = Vec::new();
        for _ in 0..1 + self.rng.below(4) {
            let Some((family, leaf)) = self.any_leaf() else { continue };
            if busy.contains(&family) || !self.families[family].is_alive {
                continue;
            }
            busy.push(family);
            let deed = if self.rng.one_in(4) { Deed::RevokeFamily { family } } else { Deed::Refresh { family, leaf } };
            deeds.push((deed, self.start(deed)));
        }
        let fresh = self.codes.iter().position(|code| code.redeemed.is_none());
        if let Some(code) = fresh.filter(|_| self.rng.one_in(2)) {
            deeds.push((Deed::Redeem { code }, self.start(Deed::Redeem { code })));
        }
        self.desk.settle();
        match self.rng.below(3) {
            0 if !self.desk.writes.is_empty() => self.fail(deeds),
            1 => self.crash(deeds),
            _ => {
                self.desk.release();
                for (deed, ticket) in deeds {
                    let answer = self.desk.answer(ticket).unwrap();
                    self.on_answered(deed, &answer);
                }
            }
        }
    }

    fn fail(&mut self, deeds: Vec<(Deed, Ticket)>) {
        self.say("the disk is full");
        self.desk.fail();
        self.desk.is_holding = false;
        self.tally.failures += 1;
        for (deed, ticket) in deeds {
            let answer = self.desk.answer(ticket).unwrap();
            match (deed, answer.status) {
                // As if it had not been asked.
                (Deed::Redeem { .. } | Deed::Refresh { .. }, 500) => {
                    // Unless it was a replay: that ends the family, written or not.
                    if self.expected(deed) == Expected::Replay {
                        let family = self.end_of(deed);
                        self.unwritten.push(family);
                    }
                }
                (Deed::RevokeFamily { family }, 500) => {
                    self.families[family].is_alive = false;
                    self.unwritten.push(family);
                }
                (_, _) => self.on_answered(deed, &answer),
            }
        }
    }

    /// Some of what waits is written, the last perhaps in part; nobody hears of it.
    fn crash(&mut self, deeds: Vec<(Deed, Ticket)>) {
        self.tally.crashes += 1;
        let written = self.rng.below(self.desk.writes.len() + 1);
        self.say(&format!("the machine stops; {written} of {} are written", self.desk.writes.len()));
        let writes: Vec<_> = self.desk.writes.drain(..).collect();
        for write in &writes[..written] {
            self.desk.disk.carry_out(&write.job);
        }
        if let Some(Job::Append(bytes)) = writes.get(written).map(|write| &write.job) {
            let part = self.rng.below(bytes.len());
            self.desk.disk.file.as_mut().unwrap().extend_from_slice(&bytes[..part]);
        }
        // A replay ended its family, unless that was not written; what a code yielded is nobody's.
        let replayed = |deed: &Deed| match *deed {
            Deed::Redeem { code } => self.codes[code].redeemed.map(|(_, family)| family),
            Deed::Refresh { .. } | Deed::RevokeFamily { .. } => None,
        };
        let replayed: Vec<usize> = deeds.iter().filter_map(|(deed, _)| replayed(deed)).collect();
        self.unwritten.extend(replayed);
        self.codes.clear();
        self.reopen();
        // Whoever was told that a revocation could not be stored asks again.
        for family in std::mem::take(&mut self.unwritten) {
            self.revoke_family(family);
        }
        for (deed, _) in deeds.into_iter().filter(|(deed, _)| !matches!(deed, Deed::Redeem { .. })) {
            match (deed, self.expected(deed)) {
                // Whoever was not answered asks again, soon: it works, whether it was written or not.
                (Deed::Refresh { .. }, Expected::Tokens) => {
                    let ticket = self.start(deed);
                    let answer = self.desk.answer(ticket).unwrap();
                    self.on_answered(deed, &answer);
                    self.forget_uses(deed);
                }
                (Deed::Refresh { family, .. } | Deed::RevokeFamily { family }, _) => self.revoke_family(family),
                (Deed::Redeem { .. }, _) => {}
            }
        }
    }

    /// Nobody knows how often it was used.
    fn forget_uses(&mut self, deed: Deed) {
        let Deed::Refresh { family, leaf } = deed else { return };
        self.families[family].leaves.remove(leaf);
    }

    fn revoke_family(&mut self, family: usize) {
        let deed = Deed::RevokeFamily { family };
        let ticket = self.start(deed);
        let answer = self.desk.answer(ticket).unwrap();
        self.on_answered(deed, &answer);
    }

    fn reopen(&mut self) {
        let seed = self.rng.next();
        let disk = Disk { file: self.desk.disk.file.clone() };
        self.desk = Desk::open(settings_of(self.has_bob), disk, self.desk.clock, seed).unwrap();
    }

    fn restart(&mut self) {
        self.say("a restart");
        self.desk.server.handle_shutdown(self.desk.clock.now());
        self.desk.settle();
        self.unwritten.clear();
        self.reopen();
        self.codes.clear();
    }

    fn change_users(&mut self) {
        self.has_bob = !self.has_bob;
        self.say(&format!("bob is a user: {}", self.has_bob));
        if self.rng.one_in(2) {
            self.restart();
        } else {
            self.desk.server.handle_settings(settings_of(self.has_bob), self.desk.clock.now());
            self.desk.settle();
        }
        if !self.has_bob {
            self.codes.retain(|code| code.user == 0);
            self.families.iter_mut().filter(|family| family.user == 1).for_each(|family| family.is_alive = false);
        }
    }

    fn start(&mut self, deed: Deed) -> Ticket {
        self.say(&format!("{deed:?}, expected: {:?}", self.expected(deed)));
        let post = |desk: &mut Desk, pairs: &[(&str, &str)]| {
            let body = form::write(pairs.iter().copied());
            desk.start_token(Posted { body: body.as_bytes(), ..Posted::default() })
        };
        match deed {
            Deed::Redeem { code } => {
                let Code { app, code, .. } = &self.codes[code];
                post(&mut self.desk, &self.apps[*app].redemption(code))
            }
            Deed::Refresh { family, leaf } => {
                let family = &self.families[family];
                let mut pairs = self.apps[family.app].credentials();
                pairs.extend([("grant_type", "refresh_token"), ("refresh_token", &family.leaves[leaf].token)]);
                post(&mut self.desk, &pairs)
            }
            Deed::RevokeFamily { family } => {
                let family = &self.families[family];
                let mut pairs = self.apps[family.app].credentials();
                pairs.push(("token", &family.leaves[0].token));
                let body = form::write(pairs.iter().copied());
                let (issuer, ip) = self.desk.visit();
                let visit = Visit { issuer: &issuer, ip, now: self.desk.clock.now() };
                self.desk.server.handle_revoke(visit, Posted { body: body.as_bytes(), ..Posted::default() })
            }
        }
    }

    fn expected(&self, deed: Deed) -> Expected {
        let now = self.desk.now();
        match deed {
            Deed::RevokeFamily { .. } => Expected::Done,
            Deed::Redeem { code } => self.codes[code].expected(now),
            Deed::Refresh { family, leaf } => self.families[family].expected(leaf, now),
        }
    }

    fn on_answered(&mut self, deed: Deed, answer: &Answer) {
        match self.expected(deed) {
            Expected::Tokens => {
                let tokens = read_tokens(answer);
                self.minted(deed, tokens);
            }
            Expected::Replay => {
                assert_eq!(answer.status, 400, "{deed:?}");
                self.end_of(deed);
            }
            Expected::Refusal => assert_eq!(answer.status, 400, "{deed:?}"),
            Expected::Done => {
                assert_eq!(answer.status, 200, "{deed:?}");
                self.end_of(deed);
            }
        }
    }

    fn minted(&mut self, deed: Deed, tokens: Tokens) {
        let now = self.desk.now();
        self.tally.minted += 1;
        let family = match deed {
            Deed::Redeem { code } => {
                let Code { app, user, server, .. } = self.codes[code];
                self.codes[code].redeemed = Some((now, self.families.len()));
                let (access, leaves) = (Vec::new(), Vec::new());
                self.families.push(Family { app, user, server, access, leaves, is_alive: true });
                self.families.len() - 1
            }
            Deed::Refresh { family, leaf } => {
                let leaf = &mut self.families[family].leaves[leaf];
                leaf.rotated = Some(leaf.rotated.map_or((now, 0), |(at, uses)| (at, uses + 1)));
                family
            }
            Deed::RevokeFamily { .. } => unreachable!(),
        };
        let family = &mut self.families[family];
        family.access.push((tokens.access, now + EXPIRY));
        family.leaves.push(Leaf { token: tokens.refresh, expires_at: now + IDLE, rotated: None });
    }

    /// A family has ended, and no other.
    fn end_of(&mut self, deed: Deed) -> usize {
        let family = match deed {
            Deed::Redeem { code } => {
                let (_, family) = self.codes[code].redeemed.take().unwrap();
                self.codes[code].issued_at = 0; // from now on it is unknown
                self.tally.replays += 1;
                family
            }
            Deed::Refresh { family, .. } => {
                self.tally.replays += 1;
                family
            }
            Deed::RevokeFamily { family } => {
                self.tally.revocations += 1;
                family
            }
        };
        self.families[family].is_alive = false;
        family
    }
}
