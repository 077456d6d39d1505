//! URLs, as far as configuration and the `Origin` and `Host` headers need them.
