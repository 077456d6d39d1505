//! Every value of a configuration that is a string.

use super::{Raw, RawOAuth, RawOptions, RawProxy, RawServer};
use crate::config::node::{At, Field, NamedText, Timeout};
use crate::config::password::is_hash;
use crate::config::report::Place;

/// What is done to each.
type Visitor<'a> = &'a mut dyn FnMut(&mut String, &Place);

impl Raw {
    /// Visits all that is in use: those of disabled servers are left out, as are keys.
    pub(in crate::config) fn for_each_text(&mut self, visit: Visitor<'_>) {
        self.proxy.for_each_text(visit);
        for server in self.servers.given_mut().into_iter().flatten().filter(|server| !server.is_disabled()) {
            server.for_each_text(visit);
        }
    }
}

impl RawProxy {
    fn for_each_text(&mut self, visit: Visitor<'_>) {
        let RawProxy {
            base_url,
            addr,
            name,
            version,
            transport,
            allowed_origins,
            allowed_hosts,
            status_page: _,
            metrics: _,
            options,
        } = self;
        [base_url, addr, name, version, transport].into_iter().for_each(|field| text(field, visit));
        list(allowed_origins, visit);
        list(allowed_hosts, visit);
        options.for_each_text(visit);
    }
}

impl RawServer {
    fn for_each_text(&mut self, visit: Visitor<'_>) {
        let RawServer {
            name: _,
            label: _,
            command,
            args,
            env,
            url,
            headers,
            timeout,
            transport,
            options,
            unsupported: _,
        } = self;
        [command, url, transport].into_iter().for_each(|field| text(field, visit));
        list(args, visit);
        named(env, visit);
        named(headers, visit);
        if let Field::Given(At { value: Timeout::Text(value), place }) = timeout {
            visit(value, place);
        }
        options.for_each_text(visit);
    }
}

impl RawOptions {
    fn for_each_text(&mut self, visit: Visitor<'_>) {
        let RawOptions {
            panic_if_invalid: _,
            log_enabled: _,
            auth_tokens,
            disabled: _,
            startup_timeout,
            request_timeout,
            isolation,
            inherit_env: _,
            tool_filter,
            oauth2,
        } = self;
        list(auth_tokens, visit);
        [startup_timeout, request_timeout, isolation].into_iter().for_each(|field| text(field, visit));
        if let Some(filter) = tool_filter.given_mut() {
            text(&mut filter.mode, visit);
            list(&mut filter.list, visit);
        }
        if let Some(oauth) = oauth2.given_mut().filter(|oauth| oauth.is_enabled()) {
            oauth.for_each_text(visit);
        }
    }
}

impl RawOAuth {
    /// Hashes of passwords are left out: they are full of dollar signs.
    fn for_each_text(&mut self, visit: Visitor<'_>) {
        let RawOAuth {
            enabled: _,
            users,
            persistence_dir,
            allowed_ips,
            token_minutes: _,
            disable_token_expiration: _,
            template_dir,
            redirect_uris,
            trusted_proxies,
            client_ip_header,
            refresh_grace_seconds: _,
            require_resource: _,
            allowed_hosts,
            details: _,
        } = self;
        for (_, At { value, place }) in users.given_mut().into_iter().flatten() {
            if !is_hash(value) {
                visit(value, place);
            }
        }
        [persistence_dir, template_dir, client_ip_header].into_iter().for_each(|field| text(field, visit));
        [allowed_ips, redirect_uris, trusted_proxies, allowed_hosts].into_iter().for_each(|field| list(field, visit));
    }
}

fn text(field: &mut Field<String>, visit: Visitor<'_>) {
    if let Field::Given(At { value, place }) = field {
        visit(value, place);
    }
}

fn list(field: &mut Field<Vec<At<String>>>, visit: Visitor<'_>) {
    for At { value, place } in field.given_mut().into_iter().flatten() {
        visit(value, place);
    }
}

fn named(field: &mut Field<Vec<NamedText>>, visit: Visitor<'_>) {
    for (_, At { value, place }) in field.given_mut().into_iter().flatten() {
        visit(value, place);
    }
}
