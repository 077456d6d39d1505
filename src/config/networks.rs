//! Networks that have a name in the configuration.

use crate::base::cidr::Cidr;

/// A name, and what it stands for.
pub type Named = (&'static str, &'static [&'static str]);

/// The names that `allowedIPs` knows.
pub const CALLERS: [Named; 1] = [("claude", CLAUDE)];

/// The names that `trustedProxies` knows.
pub const PROXIES: [Named; 2] = [("private", PRIVATE), ("cloudflare", CLOUDFLARE)];

/// Where Anthropic calls MCP servers from: the range that it publishes, in which all traffic was observed, and the five
/// addresses of the reference's example, which are stale.
const CLAUDE: &[&str] =
    &["160.79.104.0/21", "34.162.46.92", "34.162.102.82", "34.162.136.91", "34.162.142.92", "34.162.183.95"];

/// This machine and the networks that the Internet does not route to (RFC 1918, RFC 4193): who forwards requests from
/// there belongs to the operator. The default of `trustedProxies`.
pub const PRIVATE: &[&str] = &["127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// Cloudflare's edge, as it publishes it.
const CLOUDFLARE: &[&str] = &[
    "173.245.48.0/20",
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "141.101.64.0/18",
    "108.162.192.0/18",
    "190.93.240.0/20",
    "188.114.96.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "162.158.0.0/15",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "172.64.0.0/13",
    "131.0.72.0/22",
    "2400:cb00::/32",
    "2606:4700::/32",
    "2803:f800::/32",
    "2405:b500::/32",
    "2405:8100::/32",
    "2a06:98c0::/29",
    "2c0f:f248::/32",
];

/// The networks of one of the tables above. (A test holds that every line of them is one.)
pub fn parsed(networks: &[&str]) -> Vec<Cidr> {
    networks.iter().filter_map(|network| Cidr::parse(network).ok()).collect()
}
