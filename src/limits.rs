//! Every bound and every default time, with its reason.
//!
//! What reaches a bound gets an answer that names it; nobody else notices. Sizes end in the unit, then `_MAX`.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

// ---- HTTP towards downstreams ----

/// Request line and headers together. nginx allows 32 KiB, Node 16; bearer tokens and cookies fit well.
pub const HEAD_BYTES_MAX: usize = 16 * KIB;
/// The request target alone: 414 instead of 431, as RFC 9110 (15.5.15) wants it told apart.
pub const TARGET_BYTES_MAX: usize = 8 * KIB;
/// Header lines in one head. Browsers send about 20.
pub const HEADERS_MAX: usize = 64;
/// A request body. As large as a line from a child, so that what one side may say the other may answer.
pub const BODY_BYTES_MAX: usize = 64 * MIB;
/// All request bodies that are being received, together.
pub const RECEIVING_BYTES_MAX: usize = 512 * MIB;
/// A body below this size is not counted in that sum: head room for everybody's small messages.
pub const SMALL_BODY_BYTES: usize = MIB;
/// Chunk-size line with its extensions, and the trailer section: nobody needs them long.
pub const CHUNK_LINE_BYTES_MAX: usize = 256;
/// Trailer fields after a chunked body; they are checked and forgotten.
pub const TRAILER_BYTES_MAX: usize = 4 * KIB;
/// An unread request body of this size is read and thrown away to keep a connection whose request was refused.
pub const DRAIN_BYTES_MAX: usize = 64 * KIB;
/// From the first byte of a head (or the connection's start) to its end.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two pieces of a body: it must keep moving.
pub const BODY_PAUSE_MAX: Duration = Duration::from_secs(20);
/// A connection between two requests. Longer than nginx's and cloud balancers' 60 s, so that they close first.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(75);
/// Where descriptors are short, a connection that has been idle for so long makes room for another.
pub const IDLE_TIME_MIN: Duration = Duration::from_secs(1);
/// Without any progress in writing to a downstream that has bytes waiting.
pub const WRITE_PAUSE_MAX: Duration = Duration::from_secs(30);
/// After the last answer on a closing connection: time for the peer to read it before the socket goes.
pub const LINGER_TIME_MAX: Duration = Duration::from_secs(2);
/// Connections at once. At the bound the one that has been idle or dripping longest makes room.
pub const CONNS_MAX: usize = 16 * KIB;
/// Bytes that may wait for one downstream before notifications to it are dropped; results still queue.
pub const NOTIFY_QUEUE_BYTES_MAX: usize = MIB;
/// Bytes that may wait for one downstream before it is cut off: one largest result and its wrapping, twice.
pub const CONN_QUEUE_BYTES_MAX: usize = 2 * LINE_BYTES_MAX + MIB;
/// A method's name. The longest registered one has 17 characters; a longer token is refused before its end comes.
pub const METHOD_BYTES_MAX: usize = 24;
/// Empty lines before a request line: RFC 9112 (2.2) wants at least one skipped, for clients that end a body with one.
pub const EMPTY_LINES_MAX: usize = 2;

// ---- Sessions and calls ----

/// Sessions at once. At the bound the one unused longest ends.
pub const SESSIONS_MAX: usize = 64 * KIB;
/// A session without a request or an open stream. Clients rarely re-initialise well, so a day.
pub const SESSION_IDLE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two searches for such sessions.
pub const SESSION_SWEEP_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// The parameters of an `initialize`: they may be kept while a server starts, and for as long as a private one lives.
/// SDKs send a few hundred bytes; an icon may be among them.
pub const GREETING_BYTES_MAX: usize = 256 * KIB;
/// What a legacy client says of its name, and of what it can do: kept for the length of its session, and said again
/// with each request to a modern server. SDKs say a few hundred bytes.
pub const CALLER_BYTES_MAX: usize = 4 * KIB;
/// Calls in flight of one session: 429 beyond. The busiest agents open a few dozen.
pub const SESSION_CALLS_MAX: usize = 256;
/// Calls in flight of all sessions together.
pub const CALLS_MAX: usize = 256 * KIB;
/// Members of a message beside JSON-RPC's own. They are compared with each other, lest one stands there twice.
pub const MESSAGE_MEMBERS_MAX: usize = 64;
/// Messages in one JSON-RPC batch.
pub const BATCH_MESSAGES_MAX: usize = 100;
/// A tool's name, where tools are filtered: it is compared with every name of the filter. The specification advises
/// 128 characters.
pub const TOOL_NAME_BYTES_MAX: usize = KIB;
/// A tool's input schema that repeats parameters in headers: a tree is built of it.
pub const TOOL_SCHEMA_BYTES_MAX: usize = MIB;
/// How deep schemas may stand in such a schema. People nest five; the parser itself gives up at twice as much.
pub const TOOL_SCHEMA_DEPTH_MAX: usize = 32;
/// Headers that repeat parameters of one tool. Each call has them beside the usual ones, and [`HEADERS_MAX`] is for
/// all.
pub const TOOL_HEADERS_MAX: usize = 32;
/// What is the tool's own in the name of such a header.
pub const TOOL_HEADER_NAME_BYTES_MAX: usize = 128;
/// Sessions of one server that have an upstream each (`"isolation": "session"`): processes cost far more than sessions.
pub const ISOLATED_MAX: usize = 256;
/// Such a session ends after this time without use, and its process with it.
pub const ISOLATED_IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// GET streams of one session. A client whose connection broke half-open comes back with another.
pub const SESSION_STREAMS_MAX: usize = 8;
/// Tasks and URL elicitations of one session whose owner is remembered; the oldest is forgotten first.
pub const SESSION_THINGS_MAX: usize = 1_000;
/// A subscribed URI: it is kept for the length of the session.
pub const URI_BYTES_MAX: usize = 8 * KIB;
/// Subscribed resources of one session.
pub const SESSION_SUBSCRIPTIONS_MAX: usize = 1_000;
/// A request id or progress token as JSON text: it is kept for the length of the call.
pub const ID_BYTES_MAX: usize = KIB;
/// A call's answer turns into an SSE stream after this time, where the downstream accepts one: Node gives up on
/// headers after 300 s, LibreChat after 60.
pub const JSON_WAIT_MAX: Duration = Duration::from_secs(10);
/// Between two comments on an open SSE stream: below every proxy's idle timeout (nginx: 60 s).
pub const SSE_COMMENT_INTERVAL: Duration = Duration::from_secs(15);
/// A person may have to answer an ask.
pub const ASK_TIME_MAX: Duration = Duration::from_secs(10 * 60);
/// A legacy upstream that asks something often asks more at once: after so long without another ask, a modern
/// downstream is told of all.
pub const GATHERING_TIME: Duration = Duration::from_millis(20);
/// Parked calls: those whose modern downstream was told to come back with answers.
pub const PARKED_MAX: usize = 4 * KIB;
/// And how long each of them waits: a person may have to answer.
pub const PARKED_TIME_MAX: Duration = Duration::from_secs(10 * 60);
/// URLs that modern downstreams were told to visit before a call is made again; the oldest is forgotten first.
pub const URL_VISITS_MAX: usize = KIB;
/// How long such a call waits for its upstream to say that the URL was visited: the client says it a moment earlier.
pub const URL_VISIT_TIME_MAX: Duration = Duration::from_secs(30);
/// A `requestState` that comes back. One of ours has less than a hundred bytes, but upstreams' own are sealed in some.
pub const REQUEST_STATE_BYTES_MAX: usize = MIB;
/// What upstreams want to know for parked calls, and what they answered to them, all together: one such message fits.
pub const PARKED_BYTES_MAX: usize = LINE_BYTES_MAX;
/// What is kept of the log for a downstream that comes back, and of the last progress.
pub const PARKED_LOG_BYTES_MAX: usize = 64 * KIB;
/// Parameters of a call up to this length are kept in case it is parked; of longer ones a digest is made at once.
pub const SUBJECT_BYTES_MAX: usize = 16 * KIB;
/// How long a modern upstream may take to acknowledge our own `subscriptions/listen`. While it does not, no other can
/// be begun, and who wants to hear of something else waits.
pub const LISTEN_ACKNOWLEDGEMENT_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a `subscriptions/listen` waits for its upstream to agree before it is acknowledged without.
pub const LISTEN_GRANT_TIME_MAX: Duration = Duration::from_secs(5);
/// Notifications that are kept for it in that time.
pub const LISTEN_EARLY_MAX: usize = 64;
/// Rounds of questions that a legacy client is asked for one call to a modern server.
pub const QUESTION_ROUNDS_MAX: u32 = 16;
/// Before a call is sent to a modern server again that asks nothing and only wants to be asked later. Doubled each
/// time.
pub const QUESTION_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest such pause.
pub const QUESTION_PAUSE_MAX: Duration = Duration::from_secs(10);
/// A request of this length is kept in case that a modern server has questions.
pub const BRIDGED_BYTES_MAX: usize = MIB;
/// All such requests together, but for those that are small.
pub const BRIDGED_BYTES_TOTAL_MAX: usize = 64 * MIB;
/// A request below this length is not counted in that sum.
pub const BRIDGED_SMALL_BYTES: usize = 16 * KIB;
/// Things that a modern upstream asks at once, before it goes on with a call.
pub const INPUT_REQUESTS_MAX: usize = 64;
/// Asks of one link that wait for an answer.
pub const LINK_ASKS_MAX: usize = 1_024;

/// What one session may have kept of its event streams, for a downstream whose connection breaks. A larger answer is
/// lost with its connection.
pub const SESSION_REPLAY_BYTES_MAX: usize = 4 * MIB;
/// And how many events: a call that reports progress often fills this before the bytes.
pub const SESSION_REPLAY_EVENTS_MAX: usize = 512;
/// What all sessions together may have kept.
pub const REPLAY_BYTES_MAX: usize = 64 * MIB;
/// What an event is counted as beside its data: it is kept with its position, and often alone with its stream.
pub const REPLAY_EVENT_OVERHEAD_BYTES: usize = 256;
/// How long a stream waits for its downstream to come back. Clients try again for up to half a minute; a notebook takes
/// a while to find its network again.
pub const REPLAY_TIME_MAX: Duration = Duration::from_secs(5 * 60);
/// Between two searches for streams that have waited too long.
pub const REPLAY_SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// What a downstream is told to wait before it comes back, in milliseconds. SDKs take a second without being told.
pub const SSE_RETRY_MILLIS: &str = "1000";

// ---- Links ----

/// One line (message) of a child.
pub const LINE_BYTES_MAX: usize = 64 * MIB;
/// One line of a child's stderr in the log; the rest of a longer line is dropped.
pub const STDERR_LINE_BYTES_MAX: usize = 4 * KIB;
/// Larger parts of a message are passed on in the memory in which they came; smaller ones are copied, which is cheaper.
pub const LENT_BYTES_MIN: usize = 256 * KIB;
/// Bytes that may wait for one child's stdin before further calls are refused.
pub const LINK_QUEUE_BYTES_MAX: usize = 2 * BODY_BYTES_MAX;
/// Bytes of calls that wait for one server to start.
pub const WAITING_BYTES_MAX: usize = 2 * BODY_BYTES_MAX;
/// Default of `startupTimeout`: `npx` may download a hundred packages first.
pub const STARTUP_TIME: Duration = Duration::from_secs(60);
/// Default of `requestTimeout`: without an answer, progress or ask. Clients give up earlier (60 to 300 s); this is
/// what frees the call when they do not.
pub const REQUEST_TIME: Duration = Duration::from_secs(10 * 60);
/// The first pause after a failure; doubled at each further one.
pub const BACK_OFF_MIN: Duration = Duration::from_millis(250);
/// The longest pause between two attempts.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(30);
/// A link that lived this long starts again with the shortest pause.
pub const STEADY_TIME: Duration = Duration::from_secs(30);
/// A process that runs and never answers `initialize` is replaced after this time, or `startupTimeout` if longer.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5 * 60);
/// An upstream that has been asked `server/discover` and is silent is asked `initialize` after this time: some legacy
/// servers answer nothing that they do not know. A slow start takes longer, and does no harm: both answers count.
pub const PROBE_TIME_MAX: Duration = Duration::from_secs(10);
/// From the end of a child's stdout to the end of the wait for its exit status, which belongs into the callers' error.
pub const EXIT_STATUS_WAIT: Duration = Duration::from_millis(60);
/// From closing stdin to SIGTERM: servers that watch their stdin end by themselves.
pub const STDIN_GRACE: Duration = Duration::from_millis(1_000);
/// From SIGTERM to SIGKILL.
pub const TERM_GRACE: Duration = Duration::from_millis(2_000);
/// From SIGTERM to the proxy until calls in flight are abandoned.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// From a reload until the calls of a server that is not configured any more are abandoned.
pub const RETIREMENT_GRACE: Duration = Duration::from_secs(5);
/// Asks of one upstream that wait for their downstream's stream: roots, as a rule.
pub const EARLY_ASKS_MAX: usize = 8;
/// The longest of them.
pub const EARLY_ASK_BYTES_MAX: usize = 64 * KIB;
/// For the stream to come. SDKs open it within milliseconds.
pub const EARLY_ASK_TIME_MAX: Duration = Duration::from_secs(5);
/// Pages of an upstream's tool list that are read for the log.
pub const CATALOGUE_PAGES_MAX: usize = 64;
/// Tools of an upstream that the status page names: more than any model can choose from, few enough to be sent every
/// other second.
pub const STATUS_TOOLS_MAX: usize = 500;

// ---- HTTP towards upstreams ----

/// Status line and headers together. Longer than what we take from downstreams: security policies and cookies of
/// whoever stands in front of a server run to tens of kilobytes. curl allows 300 KiB, Node 16.
pub const RESPONSE_HEAD_BYTES_MAX: usize = 64 * KIB;
/// Header lines in one response head. Large sites send about 40.
pub const RESPONSE_HEADERS_MAX: usize = 128;
/// What is kept of unfinished messages of all remote upstreams together: each connection may bring one of
/// [`LINE_BYTES_MAX`].
pub const UPSTREAM_BYTES_MAX: usize = 512 * MIB;
/// Interim responses (1xx) before the final one. One that says every 20 s that it still works (102) may do so for
/// half an hour.
pub const INTERIM_RESPONSES_MAX: usize = 100;
/// Connections of one link for calls. Each call to a streamable HTTP upstream occupies one until it is answered;
/// further calls wait for a free one. More than one session may have in flight, lest one makes all others wait.
pub const LINK_CONNS_MAX: usize = 1_024;
/// Further ones for everything else. The answer to an ask, a cancellation or a ping must not wait for a call to end:
/// the call may be waiting for it.
pub const LINK_CONNS_SPARE: usize = 16;
/// How long a free connection is kept for the next request. Node and uvicorn close theirs after 5 s, and a call that
/// crosses with that is lost: it may have run.
pub const OUTBOUND_IDLE_TIME: Duration = Duration::from_secs(3);
/// For everything that is no call to be answered: notifications, our own requests, the head of a stream.
pub const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(60);
/// The call is over, its response is not: for the upstream to end it by itself.
pub const ABANDONED_TIME_MAX: Duration = Duration::from_secs(5);
/// A session has been forgotten: for the calls that were sent before that was known to be refused, so that they can be
/// sent again. Those that are not may have run.
pub const FORGOTTEN_TIME_MAX: Duration = Duration::from_secs(1);
/// Redirects that one request follows.
pub const REDIRECTS_MAX: usize = 5;
/// The beginning of the body of a refusal: for the message in it.
pub const REFUSAL_BYTES_MAX: usize = 4 * KIB;
/// Before a stream that broke off is opened again, unless it said how long to wait. Doubled when nothing comes of it.
pub const RESUME_PAUSE: Duration = Duration::from_secs(1);
/// The shortest such pause, whatever the upstream asks for: at `retry: 0` a stream that ends at once would keep both
/// busy with nothing else.
pub const RESUME_PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest such pause, whatever the upstream asks for.
pub const RESUME_PAUSE_MAX: Duration = Duration::from_secs(30);
/// An event id of an upstream: it goes back in a header. UUIDs and database positions have a few dozen bytes.
pub const EVENT_ID_BYTES_MAX: usize = KIB;
/// The name of an upstream's event; a longer one is ignored. MCP knows two.
pub const EVENT_NAME_BYTES_MAX: usize = KIB;
/// What a request that waits for a connection is counted as beside its message.
pub const EXCHANGE_OVERHEAD_BYTES: usize = 512;
/// Attempts to resume the stream of one call that bring nothing.
pub const RESUME_FAILURES_MAX: u32 = 5;
/// Silence on a remote link that nobody uses, until it is asked for a sign of life.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);
/// For that sign to come.
pub const PING_TIME_MAX: Duration = Duration::from_secs(15);

// ---- Shell ----

/// One read from a socket or pipe; shared by all.
pub const READ_BYTES: usize = 256 * KIB;
/// Bytes read from one source in one turn of the loop before the others have theirs.
pub const TURN_BYTES_MAX: usize = MIB;
/// Asked of the kernel for each pipe to and from a child. The default of 64 KiB costs a switch of processes more often;
/// an unprivileged user has 64 MiB for all pipes together, which is enough for 85 servers at this size.
pub const PIPE_BYTES: usize = 256 * KIB;
/// Log lines that wait for a slow stderr before further ones are counted and dropped.
pub const LOG_LINES_MAX: usize = 4 * KIB;
/// At exit, for the log lines that still wait; whoever reads stderr may have stopped reading.
pub const LOG_FLUSH_TIME_MAX: Duration = Duration::from_secs(1);
/// Before it sleeps, the loop looks at deadlines that are as near as this: most have been pushed back since they were
/// queued. Longer than the deadlines that every connection has while it begins.
pub const EARLY_LOOK: Duration = Duration::from_secs(15);
/// Connections taken in one turn of the loop before those that are there have theirs.
pub const TURN_ACCEPTS_MAX: usize = 64;
/// Connections that wait in the kernel. The usual 128 overflows when every client reconnects after a restart, and an
/// overflow costs the client a second (the kernel drops its SYN).
pub const LISTEN_BACKLOG: i32 = 1_024;
/// With fewer descriptors than this, the log says at the start how many there are. Systems give 256 to 1,048,576.
pub const DESCRIPTORS_FEW: u64 = 256;
/// Without descriptors for a new connection: until the next attempt.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Between two log lines about that: a full table stays full for a while.
pub const SHORTAGE_REPORT_INTERVAL: Duration = Duration::from_secs(60);
/// A command has ended, what it had started has not: from SIGTERM to SIGKILL for the rest. Short, because the end of
/// the command is reported, and its calls are answered, only afterwards.
pub const DESCENDANTS_GRACE: Duration = Duration::from_millis(200);
/// Between the first two looks at what SIGKILL has left; doubled at each further one. Only a process that was born
/// meanwhile needs a second look.
pub const KILL_INTERVAL_MIN: Duration = Duration::from_millis(5);
/// And the longest, for one that hangs in the kernel.
pub const KILL_INTERVAL_MAX: Duration = Duration::from_secs(1);
/// For a keeper to end everything, before it is killed itself and the proxy does the work.
pub const KEEPER_TIME_MAX: Duration = Duration::from_secs(1);
/// For a connection to a remote upstream, from the lookup of its name to the end of the TLS handshake. Go and curl give
/// each step more; but who waits here is a call, and the next attempt may find another address.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two attempts to connect to addresses of one name: RFC 8305 (8) recommends this "Connection Attempt Delay".
pub const CONNECT_HEAD_START: Duration = Duration::from_millis(250);
/// Threads that look names up: one zone whose servers are gone keeps nobody waiting who asks for another.
pub const HELPER_THREADS_MAX: usize = 4;
/// Addresses of one name that are tried. Large services have up to eight.
pub const CONNECT_ADDRESSES_MAX: usize = 16;
/// On a silent connection to a remote upstream: until the kernel asks whether the other end is still there. Below the
/// idle timeouts of usual firewalls (cloud load balancers: 350 s).
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
/// Between two such questions.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Questions without an answer after which a connection is broken.
pub const KEEPALIVE_PROBES: u32 = 4;

// ---- Configuration ----

/// A configuration file, or what a URL answers with.
pub const CONFIG_BYTES_MAX: usize = 4 * MIB;
/// Between two looks at the file while something happens around it. It is read once it has changed and looks the same
/// twice: an editor that writes in pieces has finished by then, and whoever uses it waits for a second or two.
pub const CONFIG_LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Between two looks while nothing is heard of the file: another machine may have changed it.
pub const CONFIG_REST_INTERVAL: Duration = Duration::from_secs(60);
/// Symbolic links on the way to the configuration: as many as Linux itself follows.
pub const CONFIG_LINKS_MAX: usize = 40;
/// Default of `-http-timeout`, the reference's: for a configuration from a URL, redirects included.
pub const DOWNLOAD_TIME: Duration = Duration::from_secs(10);
/// A server's name: it becomes a path segment and a log field.
pub const SERVER_NAME_BYTES_MAX: usize = 128;
/// The longest `startupTimeout` or `requestTimeout`: more is a slip of the pen, and no deadline may overflow the clock.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest `timeout` written as a bare number, which counts nanoseconds: less was meant to be seconds.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(1);
/// The port of an `addr` that is not given: the one in the reference's examples.
pub const DEFAULT_PORT: u16 = 9090;

// ---- OAuth ----

/// A customised page: with a picture in it, still no more than a page.
pub const TEMPLATE_BYTES_MAX: usize = MIB;
/// A password. Longer than anybody types, shorter than what would keep Argon2 busy.
pub const PASSWORD_BYTES_MAX: usize = KIB;
/// Memory that a hash of a password may ask for, in KiB: every login needs as much. OWASP recommends 19 MiB, RFC 9106
/// up to 2 GiB where there is that much.
pub const PASSWORD_MEMORY_KIB_MAX: u32 = 1024 * 1024;
/// Passes over that memory. OWASP recommends up to 5.
pub const PASSWORD_PASSES_MAX: u32 = 64;
/// Lanes in which that memory is filled. Here they are filled one after another.
pub const PASSWORD_LANES_MAX: u32 = 64;
/// Default of `tokenExpirationMinutes`.
pub const TOKEN_TIME: Duration = Duration::from_secs(60 * 60);
/// The longest `tokenExpirationMinutes`: a year. A token cannot be taken back by changing a password elsewhere.
pub const TOKEN_TIME_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Default of `refreshGraceSeconds`: Claude refreshes from two addresses, in bursts of 33 to 76 s.
pub const REFRESH_GRACE: Duration = Duration::from_secs(120);
/// The longest `refreshGraceSeconds`: so long a stolen refresh token goes unnoticed.
pub const REFRESH_GRACE_MAX: Duration = Duration::from_secs(60 * 60);
/// The body of a request to an OAuth endpoint: 413 beyond. The largest honest one, a registration with twenty redirect
/// URIs, has a few kilobytes.
pub const OAUTH_BODY_BYTES_MAX: usize = 64 * KIB;
/// Between two looks whether the operator has left an order (`-oauth-revoke`) for a proxy that runs.
pub const ORDERS_INTERVAL: Duration = Duration::from_secs(1);
/// For such an order to be carried out.
pub const ORDER_TIME_MAX: Duration = Duration::from_secs(10);
/// Between two looks of whoever left it whether it was carried out.
pub const ORDER_CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// An order: an id, or a name.
pub const ORDER_BYTES_MAX: usize = KIB;
/// The file with clients and tokens. 1,000 clients and 10,000 grants with their tokens take about 10 MiB.
pub const OAUTH_FILE_BYTES_MAX: usize = 256 * MIB;
/// Names and values in one form or query. An authorization request has about ten.
pub const FORM_PAIRS_MAX: usize = 64;
/// Registered clients. Claude registers anew each time it connects; those that were never used go after a day.
pub const CLIENTS_MAX: usize = 1_000;
/// A client that never asked for a token is forgotten after this time: its user never logged in.
pub const CLIENT_UNUSED_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// A client is not evicted before this time: its user may be typing the password.
pub const CLIENT_SETTLING_TIME: Duration = Duration::from_secs(10 * 60);
/// Between two writes that only say when a client was last used.
pub const CLIENT_USE_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Redirect URIs of one client. VS Code registers six.
pub const CLIENT_REDIRECTS_MAX: usize = 20;
/// One redirect URI: browsers and proxies cut longer ones somewhere.
pub const REDIRECT_BYTES_MAX: usize = 2 * KIB;
/// A client's name: it stands on the login page.
pub const CLIENT_NAME_CHARS_MAX: usize = 200;
/// Another text of a registration that is echoed.
pub const CLIENT_TEXT_BYTES_MAX: usize = KIB;
/// Registrations of one address in [`REGISTRATION_WINDOW`]. Claude's addresses register for many people.
pub const REGISTRATIONS_MAX: usize = 30;
/// See [`REGISTRATIONS_MAX`].
pub const REGISTRATION_WINDOW: Duration = Duration::from_secs(10 * 60);
/// Logins of one user with one client that are remembered; the oldest, by the second, is revoked first.
pub const USER_GRANTS_MAX: usize = 50;
/// Access tokens of one login. A client that refreshes once an hour has two.
pub const GRANT_TOKENS_MAX: usize = 100;
/// A login page that nobody fills in.
pub const LOGIN_TIME_MAX: Duration = Duration::from_secs(10 * 60);
/// A form that is sent twice, by a double click or because its answer was lost, gets the same answer for this long.
pub const REPEATED_LOGIN_TIME: Duration = Duration::from_secs(60);
/// Login pages that wait to be filled in; the oldest goes first.
pub const LOGINS_MAX: usize = 2_000;
/// And those of one address, so that one alone cannot drive out all others'.
pub const ADDRESS_LOGINS_MAX: usize = 100;
/// A user's name as typed.
pub const USERNAME_BYTES_MAX: usize = 256;
/// Passwords that are being verified, each in 19 MiB and tens of milliseconds.
pub const VERIFICATIONS_MAX: usize = 32;
/// Wrong passwords that a user at one address may type before each further one has to wait.
pub const LOGIN_FAILURES_MAX: u32 = 5;
/// Wrong passwords of one address for any names: several people may share it.
pub const ADDRESS_FAILURES_MAX: u32 = 20;
/// The first such wait; doubled by each further failure.
pub const LOGIN_DELAY_MIN: Duration = Duration::from_secs(1);
/// The longest such wait: nobody is locked out for good.
pub const LOGIN_DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten after this time without another. Shorter, and waiting for that would be worth it.
pub const FAILURE_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// Addresses, and users at addresses, whose doings are remembered; the one not heard of longest goes first.
pub const THROTTLED_MAX: usize = 10_000;
/// An authorization code (RFC 6749, 4.1.2, recommends at most ten minutes; clients take a second).
pub const CODE_TIME_MAX: Duration = Duration::from_secs(60);
/// A redeemed code is remembered this long: whoever brings it again has stolen it, or it was stolen from them.
pub const REDEEMED_CODE_TIME: Duration = Duration::from_secs(10 * 60);
/// Codes that are remembered.
pub const CODES_MAX: usize = 1_000;
/// A refresh token that is not used.
pub const REFRESH_IDLE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Further refresh tokens that a rotated one yields in that time.
pub const REFRESH_SIBLINGS_MAX: u32 = 10;
/// Between two searches for what has expired.
pub const OAUTH_SWEEP_INTERVAL: Duration = Duration::from_secs(60);
/// Changes that are appended to the store's file before it is written anew, or as many bytes as that takes, if more.
pub const JOURNAL_BYTES_MIN: usize = 256 * KIB;

// ---- The demo server ----

/// Items on one page of its lists: small, so that clients and the proxy meet a second page.
pub const DEMO_PAGE_ITEMS: usize = 5;
/// Text of one `big` result: a line from a child, less the JSON around the text.
pub const DEMO_BIG_BYTES_MAX: usize = LINE_BYTES_MAX - 4 * KIB;
/// How long one `slow` call may take: an hour outlasts every timeout it may be meant to try.
pub const DEMO_SLOW_SECONDS_MAX: f64 = 3_600.0;
/// Progress notifications of one `slow` call; with no seconds between them they come at once.
pub const DEMO_SLOW_STEPS_MAX: u64 = 10_000;
/// Messages of one `log` call, which all come at once.
pub const DEMO_LOG_COUNT_MAX: u64 = 10_000;
/// What a `sample` call may ask of a model; what the model can do is the client's to know.
pub const DEMO_TOKENS_MAX: u64 = 1_000_000;
/// Calls in flight, `slow` ones and those that wait for an ask. They are searched one by one.
pub const DEMO_CALLS_MAX: usize = LINK_ASKS_MAX;
/// Taken from stdin at once, as much as a pipe usually holds.
pub const DEMO_READ_BYTES: usize = 64 * KIB;
