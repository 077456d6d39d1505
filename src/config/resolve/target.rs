//! Where a server is: the part of [`super::resolve`] that tells commands from remote servers.

use super::{command, remote};
use crate::base::nearest::nearest;
use crate::config::node::{At, Field};
use crate::config::raw::{RawOptions, RawServer};
use crate::config::report::Report;
use crate::config::{RemoteTransport, Target};

const EXAMPLE: &str = "Write what to run: \"command\": \"npx\", \"args\": [\"-y\", \"some-mcp-server\"]\n\
                       or where it is: \"url\": \"https://example.com/mcp\", \"transportType\": \"streamable-http\"";

/// All values of `transportType`.
const TRANSPORTS: [&str; 4] = ["stdio", "sse", "streamable-http", "auto"];

/// The target of an enabled server; not fit for use where something is missing or wrong, which has been reported then.
pub(super) fn resolve(server: &RawServer, inherited: &RawOptions, report: &mut Report) -> Target {
    let command = || Target::Command(command::resolve(server, inherited, &mut Report::default()));
    match (is_stated(&server.command), is_stated(&server.url)) {
        (true, true) => {
            let place = server.url.given().map_or(&server.name.place, |url| &url.place);
            report.error(
                place,
                "stands beside a command",
                "A server is either run or connected to: remove one of both.",
            );
            command()
        }
        (false, false) => {
            match server.command.given().or(server.url.given()) {
                Some(empty) => report.error(&empty.place, "must not be empty", EXAMPLE),
                None => report.error(&server.name.place, "has neither a command nor a url", EXAMPLE),
            }
            command()
        }
        (true, false) => {
            check_transport_of_command(server, report);
            Target::Command(command::resolve(server, inherited, report))
        }
        (false, true) => Target::Remote(remote::resolve(server, transport_of_remote(server, report), report)),
    }
}

/// An empty text says nothing, as in the reference. Something of a wrong type was meant to say something.
fn is_stated(field: &Field<String>) -> bool {
    field.value().map_or(field.is_said(), |text| !text.is_empty())
}

fn check_transport_of_command(server: &RawServer, report: &mut Report) {
    let Some(At { value, place }) = server.transport.given() else { return };
    match value.as_str() {
        "" | "stdio" => {}
        "sse" | "streamable-http" | "auto" => {
            report.error(place, "needs a url, but this server has a command", "Remove it, or write \"stdio\".");
        }
        other => report_unknown_transport(server, other, "stdio", report),
    }
}

/// Absent means SSE, as in the reference.
fn transport_of_remote(server: &RawServer, report: &mut Report) -> RemoteTransport {
    let Some(At { value, place }) = server.transport.given() else { return RemoteTransport::Sse };
    match value.as_str() {
        "" | "sse" => {}
        "streamable-http" => return RemoteTransport::Streamable,
        "auto" => return RemoteTransport::Auto,
        "stdio" => {
            let advice = "Write \"streamable-http\", \"sse\", or \"auto\" to have both tried.";
            report.error(place, "needs a command, but this server has a url", advice);
        }
        other => report_unknown_transport(server, other, "streamable-http", report),
    }
    RemoteTransport::Sse
}

fn report_unknown_transport(server: &RawServer, typed: &str, default: &str, report: &mut Report) {
    let Some(At { place, .. }) = server.transport.given() else { return };
    let meant = nearest(typed, TRANSPORTS).unwrap_or(default);
    let what = "must be \"stdio\", \"sse\", \"streamable-http\" or \"auto\"";
    report.error(place, what, format!("Write \"{meant}\"."));
}
