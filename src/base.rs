//! Row 1: what everything else is made of. Nothing here knows a protocol.

pub mod addresses;
pub mod buf;
pub mod cidr;
pub mod deadline;
pub mod decimal;
pub mod histogram;
pub mod id;
pub mod nearest;
pub mod number;
pub mod ordered;
pub mod out_queue;
pub mod sequence;
pub mod text;
pub mod time;
pub mod url;
