//! The reference's first configuration format, read as if it were the present one.
//!
//! ```text
//! server.*                    mcpProxy.*
//! server.globalAuthTokens     mcpProxy.options.authTokens, and added to those of each server that has its own
//! clients.NAME.config.*       mcpServers.NAME.*
//! clients.NAME.type           mcpServers.NAME.transportType
//! clients.NAME.*              mcpServers.NAME.options.*
//! ```
//!
//! Every value keeps the place where the user wrote it, so all later messages point there. The tokens mean what they
//! meant to the program that this format was made for: a global one opens every server, whatever else does.

mod rewritten;

use super::keys::{self, Section};
use super::node::{At, Field, Member, Node};
use super::raw::{Raw, RawProxy, RawServer};
use super::report::Report;

/// What a file has of it.
#[derive(Debug, Default)]
pub struct V1 {
    /// `server`, where it takes the place of `mcpProxy`.
    pub(super) server: Option<At<RawProxy>>,
    /// `clients`, where they take the place of `mcpServers`.
    pub(super) clients: Option<At<Field<Vec<RawServer>>>>,
}

impl V1 {
    /// Reads `server`, unless there is an `mcpProxy` as well.
    pub(super) fn read_server(&mut self, member: &Member<'_>, is_beside_new: bool, report: &mut Report) {
        if is_beside_new {
            return refuse(member, "stands beside mcpProxy, of which it is the old form", report);
        }
        self.server = Some(At { value: proxy(&member.node, report), place: member.place.clone() });
    }

    /// Reads `clients`, unless there are `mcpServers` as well.
    pub(super) fn read_clients(&mut self, member: &Member<'_>, is_beside_new: bool, report: &mut Report) {
        if is_beside_new {
            return refuse(member, "stands beside mcpServers, of which it is the old form", report);
        }
        let node = &member.node;
        let value = match node.members(report) {
            None => Field::Refused,
            Some(members) => {
                let value = members.into_iter().map(|member| client(member, report)).collect();
                Field::Given(At { value, place: node.place() })
            }
        };
        self.clients = Some(At { value, place: member.place.clone() });
    }

    /// Puts what was read where the present format has it, and says what that looks like. Nothing, if there is nothing
    /// of the old format.
    pub(super) fn convert(
        self,
        proxy: &mut RawProxy,
        servers: &mut Field<Vec<RawServer>>,
        shows_secrets: bool,
        report: &mut Report,
    ) {
        let V1 { server, mut clients } = self;
        let global = server.as_ref().map(|server| &server.value.options.auth_tokens);
        if let (Some(Field::Given(global)), Some(At { value: Field::Given(clients), .. })) = (global, &mut clients) {
            clients.value.iter_mut().for_each(|client| add_global_tokens(client, &global.value));
        }
        warn(server.as_ref(), clients.as_ref(), shows_secrets, report);
        if let Some(server) = server {
            *proxy = server.value;
        }
        if let Some(clients) = clients {
            *servers = clients.value;
        }
    }
}

/// What was printed with places instead of secrets, and then saved as it was: as a token, the place of a token would be
/// known to everybody.
pub(super) fn refuse_placeholders(raw: &mut Raw, report: &mut Report) {
    raw.for_each_text(&mut |text, place| {
        if rewritten::is_placeholder(text) {
            report.error(place, "stands for a secret", "Put in what stands at that place of the old file.");
            report.settle(place);
        }
    });
}

/// Which of the two would count? The reference ignores the old one, and with it the tokens in it.
fn refuse(member: &Member<'_>, what: &str, report: &mut Report) {
    report.error(&member.place, what, "Remove one of both.");
}

fn warn(
    server: Option<&At<RawProxy>>,
    clients: Option<&At<Field<Vec<RawServer>>>>,
    shows_secrets: bool,
    report: &mut Report,
) {
    let places = server.map(|at| &at.place).into_iter().chain(clients.map(|at| &at.place));
    let Some(place) = places.min_by_key(|place| place.offset) else { return };
    let clients = clients.and_then(|at| at.value.value());
    let text = rewritten::text(server.map(|at| &at.value), clients.map(Vec::as_slice), shows_secrets);
    let about_secrets = match shows_secrets {
        true => "",
        false => ", with places\ninstead of secrets (-check-config -show-secrets prints those too)",
    };
    let advice = format!("It still works. This is the same in the present one{about_secrets}:\n{text}");
    report.warn(place, "is the old configuration format", advice);
}

fn add_global_tokens(client: &mut RawServer, global: &[At<String>]) {
    if let Field::Given(own) = &mut client.options.auth_tokens {
        own.value.extend_from_slice(global);
    }
}

fn proxy(node: &Node<'_>, report: &mut Report) -> RawProxy {
    let mut proxy = RawProxy::default();
    for member in node.optional_members(report) {
        match member.key.as_str() {
            "baseURL" => proxy.base_url = member.node.string(report),
            "addr" => proxy.addr = member.node.string(report),
            "name" => proxy.name = member.node.string(report),
            "version" => proxy.version = member.node.string(report),
            "globalAuthTokens" => proxy.options.auth_tokens = tokens(&member.node, report),
            _ => keys::report_unknown(Section::OldServer, &member, report),
        }
    }
    proxy
}

fn client(member: Member<'_>, report: &mut Report) -> RawServer {
    let mut server = RawServer::named(At { value: member.key, place: member.place });
    let Some(members) = member.node.members(report) else {
        server.command = Field::Refused; // what is no object lacks nothing
        return server;
    };
    for member in members {
        match member.key.as_str() {
            "type" => server.transport = member.node.string(report),
            "config" => client_config(&member.node, &mut server, report),
            "panicIfInvalid" => server.options.panic_if_invalid = member.node.boolean(report),
            "logEnabled" => server.options.log_enabled = member.node.boolean(report),
            "authTokens" => server.options.auth_tokens = tokens(&member.node, report),
            _ => keys::report_unknown(Section::OldClient, &member, report),
        }
    }
    server
}

fn client_config(node: &Node<'_>, server: &mut RawServer, report: &mut Report) {
    let Some(members) = node.members(report) else {
        server.command = Field::Refused;
        return;
    };
    for member in members {
        if !server.read_target(&member, report) {
            keys::report_unknown(Section::OldConfig, &member, report);
        }
    }
}

/// In this format an empty list says nothing: the global tokens count.
fn tokens(node: &Node<'_>, report: &mut Report) -> Field<Vec<At<String>>> {
    match node.strings(report) {
        Field::Given(list) if list.value.is_empty() => Field::Absent,
        field @ (Field::Given(_) | Field::Absent | Field::Refused) => field,
    }
}
