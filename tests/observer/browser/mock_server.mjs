// The tests' double of a program with a troupe::observer: serves the page and
// speaks docs/observer.md, with a scripted scene. It stands in for the real
// program where there is none, and for what is hard to bring about with one:
// streams that break, 10,000 workers, names that attack the page.
//
//   node mock_server.mjs [pipeline | troubled | crowd | hostile | shop | jobs]
//
// Prints its address on the first line, and reads commands, a line each:
//
//   crash PATH, retry PATH, send PATH N,   as the real program does; also held
//   hold, release, stop, quit              are supervisors, when all stop
//   break                                  cuts all streams of events
//   refuse on|off                          answers streams with 503
//   mute on|off                            answers nothing at all with 200
//   miss N                                 says that N events were missed
//   stall PATH                             its code has not returned, once more
//   begin-again                            as if the program were a new one
//   jobs on|off                            whether the store of jobs answers

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const pageFile = new URL("../../../actors/observer/page.html", import.meta.url);
const token = process.env.TROUPE_OBSERVER_TOKEN ?? "";
const keptEvents = 1000;
const backoff = 3600;

const seconds = () => performance.now() / 1000;

const twoDigits = (x) => String(x).padStart(2, "0");

// -- the workers --------------------------------------------------------------

const workers = new Map();
const roots = [];

function add(parent, name, more = {}) {
  const path = `${parent?.path ?? ""}/${name}`;
  const worker = {
    path, name, parent, kind: "worker", state: "running", phase: "ready",
    incarnation: 1, since: seconds(), restarts: 0, children: [], ...more,
  };
  workers.set(path, worker);
  (parent?.children ?? roots).push(worker);
  return worker;
}

const supervisor = (max_restarts) =>
  ({ kind: "supervisor", max_restarts, recent_restarts: 0 });

const queue = (queued = 0) =>
  ({ queue: { queued, in_progress: 0, sent: queued, handled: 0,
              dead_letters: 0 } });

const isAlive = ({ state }) => state === "running" || state === "stopping";

function statusOf(x) {
  const { path, name, kind, state, phase, incarnation } = x;
  const result = { path, name, kind, state, phase, incarnation };
  result.uptime = isAlive(x) ? seconds() - x.since : x.lasted ?? 0;
  if (x.max_restarts !== undefined) {
    result.recent_restarts = x.recent_restarts;
    result.max_restarts = x.max_restarts;
  }
  if (x.restarts)
    result.restarts = x.restarts;
  if (x.retryAt)
    result.next_retry = Math.max(0, x.retryAt - seconds());
  for (const name of ["answering", "overlooked", "health", "health_reason",
                      "last_end", "queue", "holds", "fields", "options",
                      "ready_children"])
    if (x[name] !== undefined)
      result[name] = x[name];
  if (x.children.length > 0)
    result.children = x.children.map(statusOf);
  return result;
}

// -- the scenes ---------------------------------------------------------------

/** What the real program has as well, see stage.mjs. */
function addPipeline() {
  const pipeline = add(null, "pipeline", supervisor(5));
  add(pipeline, "fetcher", {
    backoff, fields: { source: "feed.example", offset: "48213" },
  });
  const parsers = add(pipeline, "parsers", supervisor(3));
  for (const n of [1, 2, 3])
    add(parsers, `parser-${n}`, queue());
  add(pipeline, "writer", {
    ...queue(), holds: 1, fields: { file: "out.db" }, holdable: true,
  });
  return pipeline;
}

/** One of each kind of trouble, for the eye. */
function addTroubled() {
  const pipeline = addPipeline();
  const age = (path, past) => {
    workers.get(path).since -= past;
  };
  for (const path of workers.keys())
    age(path, 3 * 86400 + 7312);
  add(pipeline, "index", {
    ...queue(), health: "degraded", health_reason: "the disk is 92 % full",
    fields: { segments: "118", "last merge": "4 minutes ago" },
    overlooked: true,
  });
  add(pipeline, "clock", { kind: "actor" });
  const stores =
    add(pipeline, "stores", { ...supervisor(5), recent_restarts: 3 });
  const primary = add(stores, "primary", { ...queue(), answering: false });
  Object.assign(primary.queue, {
    dead_letters: 3, dead: { discarded: 2, lost: 1 }, handed_over: 4,
  });
  add(stores, "replica", {
    state: "stopped", phase: "done", incarnation: 4, restarts: 3, lasted: 0.8,
    last_end: {
      kind: "failed", code: 2, incarnation: 4, duration: 0.8,
      reason: "connection refused by 10.0.0.7:5432",
    },
  });
  add(stores, "cache", {
    state: "force_stopped", phase: "abandoned", lasted: 41,
    last_end: {
      kind: "forced", code: 1, incarnation: 1, duration: 41, abandoned: true,
      reason: "did not stop within 5 s",
    },
  });
  add(pipeline, "import", {
    state: "stopped", phase: "done", lasted: 12.3,
    last_end: { kind: "normal", code: 0, incarnation: 1, duration: 12.3 },
  });
  const web = add(null, "web", supervisor(10));
  for (const name of ["listener", "sessions", "assets", "metrics"])
    add(web, name, queue());
  Object.assign(workers.get("/web/sessions"),
                { phase: "starting", since: seconds() - 1 });
}

function addCrowd() {
  const crowd = add(null, "crowd", supervisor(100));
  for (let i = 0; i < 100; ++i) {
    const group = add(crowd, `group-${twoDigits(i)}`, supervisor(5));
    for (let j = 0; j < 99; ++j)
      add(group, `worker-${twoDigits(j)}`, {
        ...queue(), backoff, fields: { shard: `${i}.${j}` },
      });
  }
}

/** Names that a careless page would run, or be garbled by. */
function addHostile() {
  const top = add(null, "<img src=x onerror=window.attacked=1>", supervisor(5));
  add(top, "<script>window.attacked=1</script>", {
    health: "degraded", health_reason: "<b onmouseover=window.attacked=1>x</b>",
    fields: { "<i>key</i>": "<svg onload=window.attacked=1>", __proto__2: "x" },
  });
  add(top, "\" onfocus=\"window.attacked=1\" autofocus=\"", queue());
  add(top, "javascript:window.attacked=1", {});
  add(top, "\u202egnorw eht yaw\u0007\n", {});
  add(top, "x".repeat(3000), {});
  add(top, "50% & #1?", { backoff });
}

/** A pool and others that have something queued, and handle none of it. */
function addShop() {
  const shop = add(null, "shop", supervisor(5));
  const clerks = add(shop, "clerks", { ...supervisor(5), ...queue(13) });
  add(clerks, "clerk", { ...queue(8), idle: true });
  add(clerks, "clerk#2", { ...queue(4), idle: true });
  add(shop, "till", { ...queue(1), idle: true, backoff });
  const stock = add(shop, "stock", supervisor(5));
  for (const [name, queued] of [["shelf", 1200], ["cellar", 34], ["yard", 0]])
    add(stock, name, { ...queue(queued), idle: true });
  add(stock, "dock", {
    ...queue(7), idle: true,
    options: { restart: "transient", significant: true, grace: 2.5,
               on_stop: "drain" },
  });
}

const scenes = {
  pipeline: addPipeline, troubled: addTroubled, crowd: addCrowd,
  hostile: addHostile, shop: addShop, jobs: addJobs,
};

// -- what happens -------------------------------------------------------------

const events = [];
const streams = new Set();
let lastEvent = 0;

const asFrame = (event) =>
  `id: ${event.id}\nevent: lifecycle\ndata: ${JSON.stringify(event)}\n\n`;

function emit(kind, worker, more = {}) {
  const event = {
    id: ++lastEvent, kind, path: worker.path, incarnation: worker.incarnation,
    at: Date.now() / 1000, ...more,
  };
  events.push(event);
  if (events.length > keptEvents)
    events.shift();
  for (const stream of streams)
    stream.write(asFrame(event));
}

function end(worker, kind, reason) {
  const duration = seconds() - worker.since;
  worker.lasted = duration;
  worker.state = kind === "forced" ? "force_stopped" : "stopped";
  worker.phase = "done";
  worker.last_end = {
    kind, code: kind === "failed" ? 2 : 0, duration,
    incarnation: worker.incarnation,
  };
  if (reason)
    worker.last_end.reason = reason;
  emit(kind === "normal" ? "stopped" : kind, worker,
       { span: duration, ...(reason && { reason }) });
}

function begin(worker) {
  ++worker.incarnation;
  ++worker.restarts;
  delete worker.retryAt;
  emit("restarted", worker);
  Object.assign(worker, {
    state: "running", phase: "ready", since: seconds(),
  });
  emit("ready", worker, { span: 0.1 });
}

function crash(worker) {
  if (!isAlive(worker))
    return;
  const reason = `runtime_error("it was told to crash")`;
  end(worker, "failed", reason);
  if (!worker.backoff) {
    if (worker.parent)
      ++worker.parent.recent_restarts;
    begin(worker);
    return;
  }
  worker.phase = "backing_off";
  worker.retryAt = seconds() + worker.backoff;
  emit("backing_off", worker, { reason, span: worker.backoff });
}

function send(worker, count) {
  worker.queue.sent += count;
  worker.queue.queued += count;
}

let isHeld = false;

function handleAll() {
  for (const { queue, holdable, idle, kind, state } of workers.values()) {
    if (!queue || state !== "running" || idle || kind === "supervisor"
        || (isHeld && holdable))
      continue;
    queue.handled += queue.queued;
    queue.queued = 0;
  }
}

let stopSince = null;

function stopAll() {
  stopSince = seconds();
  for (const worker of [...workers.values()].filter(isAlive)) {
    Object.assign(worker, {
      state: "stopping", phase: "draining", stopSince: seconds(),
    });
    emit("stopping", worker);
  }
  endStopping();
}

/** Ends those that stop, from below, but for those that are held. */
function endStopping() {
  for (const worker of [...workers.values()].reverse())
    if (worker.state === "stopping"
        && !(isHeld && (worker.holdable || worker.kind === "supervisor")))
      end(worker, "normal");
}

function stopping() {
  const awaited = [...workers.values()].filter((x) => x.state === "stopping");
  if (stopSince === null || awaited.length === 0)
    return null;
  return {
    since: seconds() - stopSince,
    awaited: awaited.reverse().map((x) => ({
      path: x.path, state: x.state, phase: x.phase,
      elapsed: seconds() - x.stopSince, queued: x.queue?.queued ?? 0,
      holds: x.holds ?? 0,
    })),
  };
}

// -- jobs ---------------------------------------------------------------------

const stores = [];
let areJobsAway = false;

/** Two queues, one with the names that somebody in a bad mood gives. */
function addJobs() {
  addPipeline();
  const queue = (name, more) => ({
    queue: name, waiting: 0, running: 0, buried: 0, done: 0, purged: 0, put: 0,
    failures: 0, oldest: 0, ...more,
  });
  const grave = (id, more) => ({
    id, queue: "mail", type: "letter", failures: 10, crashes: 0,
    error: "no such address", ...more,
  });
  stores.push({
    store: '"/var/lib/shop/jobs.db"', crashes: 1,
    queues: [
      queue("mail", { waiting: 12, running: 2, buried: 3, done: 4100,
                      put: 4117, failures: 51, oldest: 312 }),
      queue("<b>odd</b> \u202e'; --", { waiting: 1, put: 1 }),
    ],
    buried: [
      grave(17), grave(40, { crashes: 3, failures: 1,
                             error: "its process has gone with it in hand" }),
      grave(41, { error: "<img src=x onerror=alert(1)>\u0007" }),
    ],
  });
}

/** Jobs come and are done, so that there is something to see. */
function handleJobs() {
  for (const { queues: [mail] } of stores) {
    mail.put += 3;
    mail.done += 4;
    mail.waiting = Math.max(0, mail.waiting - 1) || 20;
  }
}

function serveJobs(response) {
  const shown = areJobsAway
    ? stores.map(({ store }) => ({ store, error: "disk I/O error" })) : stores;
  sendJson(response, 200, { schema: 1, controls: token !== "", stores: shown });
}

function serveJobCommand(request, response, url) {
  const verb = url.pathname.split("/")[2];
  const id = Number(url.searchParams.get("id"));
  const found = stores.find((x) => x.store === url.searchParams.get("store"));
  if (request.headers.authorization !== `Bearer ${token}`)
    return sendJson(response, 401, { error: "the token is not the right one" });
  const job = found?.buried.find((x) => x.id === id);
  if (!job)
    return sendJson(response, 404, { error: `no job ${id} is buried` });
  found.buried.splice(found.buried.indexOf(job), 1);
  --found.queues[0].buried;
  ++found.queues[0][verb === "purge" ? "purged" : "waiting"];
  return sendJson(response, 200, { ok: true });
}

// -- what is served -----------------------------------------------------------

const page = readFileSync(pageFile, "utf8");

/** The strictest policy under which the page has to work. */
function policy() {
  const hashOf = (tag) => {
    const [, text] = page.match(new RegExp(`<${tag}>([^]*?)</${tag}>`));
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  };
  return [
    "default-src 'none'", `script-src ${hashOf("script")}`,
    `style-src ${hashOf("style")}`, "connect-src 'self'", "img-src data:",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    "require-trusted-types-for 'script'", "trusted-types 'none'",
  ].join("; ");
}

function sendJson(response, code, value) {
  response.writeHead(code, {
    "Content-Type": "application/json", "Cache-Control": "no-store",
  });
  response.end(JSON.stringify(value));
}

let isRefusing = false;
let isMute = false;

function serveEvents(request, response, url) {
  if (isRefusing) {
    sendJson(response, 503, { error: "100 streams are open already" });
    return;
  }
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(": here it begins\n\n");
  const since =
    request.headers["last-event-id"] ?? url.searchParams.get("since");
  if (since !== null)
    for (const event of events.filter((x) => x.id > Number(since)))
      response.write(asFrame(event));
  streams.add(response);
  response.on("close", () => streams.delete(response));
}

function serveStatus(response) {
  const ready = stopSince === null;
  sendJson(response, 200, {
    schema: 1, version: "0.1.0", at: Date.now() / 1000, ready,
    why_not_ready: ready ? "" : "the program is stopping",
    controls: token !== "", last_event: lastEvent, stopping: stopping(),
    ...(stores.length > 0 ? { job_stores: stores.length } : {}),
    trees: roots.map(statusOf),
  });
}

function discard({ queue }) {
  if (!queue)
    return;
  queue.dead_letters += queue.queued;
  queue.queued = 0;
}

function beginAll(worker) {
  begin(worker);
  worker.children.forEach(beginAll);
}

const verbs = {
  restart(worker) {
    worker.children.forEach(verbs.stop);
    if (isAlive(worker))
      end(worker, "normal"); // and its queue stays
    beginAll(worker);
  },
  stop(worker) {
    worker.children.forEach(verbs.stop);
    if (isAlive(worker))
      end(worker, "normal");
    discard(worker);
  },
  start(worker) {
    if (isAlive(worker))
      return `worker "${worker.name}" (${worker.path}) is already running; `
             + "use restart_child";
    begin(worker);
    return null;
  },
};

function serveCommand(request, response, url) {
  const parts = url.pathname.split("/").slice(2).map(decodeURIComponent);
  const verb = parts.pop();
  const worker = workers.get(`/${parts.join("/")}`);
  if (token === "")
    return sendJson(response, 403, { error: "this observer has no token" });
  if (request.headers.authorization !== `Bearer ${token}`)
    return sendJson(response, 401, { error: "the token is not the right one" });
  if (!worker?.parent || !verbs[verb])
    return sendJson(response, 404, { error: `no child ${url.pathname}` });
  const refusal = verbs[verb](worker);
  return refusal ? sendJson(response, 409, { error: refusal })
                 : sendJson(response, 200, { ok: true });
}

function servePage(response) {
  response.writeHead(200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": policy(),
  });
  response.end(page);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (isMute)
    sendJson(response, 503, { error: "the supervisor does not answer" });
  else if (request.method === "POST" && url.pathname.startsWith("/children/"))
    serveCommand(request, response, url);
  else if (request.method === "POST" && url.pathname.startsWith("/jobs/"))
    serveJobCommand(request, response, url);
  else if (url.pathname === "/jobs.json")
    serveJobs(response);
  else if (url.pathname === "/")
    servePage(response);
  else if (url.pathname === "/status.json")
    serveStatus(response);
  else if (url.pathname === "/events")
    serveEvents(request, response, url);
  else
    sendJson(response, 404, { error: `there is nothing at ${url.pathname}` });
});

// -- what it is told ----------------------------------------------------------

function breakStreams() {
  for (const stream of streams)
    stream.destroy();
}

const commands = {
  crash: (path) => crash(workers.get(path)),
  retry: (path) => begin(workers.get(path)),
  send: (path, count) => send(workers.get(path), Number(count)),
  hold: () => {
    isHeld = true;
  },
  release: () => {
    isHeld = false;
    endStopping();
  },
  stop: stopAll,
  quit: () => process.exit(0),
  break: breakStreams,
  refuse: (how) => {
    isRefusing = how === "on";
  },
  mute: (how) => {
    isMute = how === "on";
  },
  jobs: (how) => {
    areJobsAway = how === "off";
  },
  stall: (path) => emit("stalled", workers.get(path), { span: 1 }),
  miss: (count) => {
    for (const stream of streams)
      stream.write(`event: missed\ndata: {"missed": ${count}}\n\n`);
  },
  "begin-again": () => {
    events.length = 0;
    lastEvent = 0;
    emit("started", roots[0]);
    breakStreams();
  },
};

scenes[process.argv[2] ?? "pipeline"]();
for (const worker of workers.values())
  emit(worker.incarnation > 1 ? "restarted" : "started", worker);
setInterval(handleAll, 100);
setInterval(handleJobs, 500);
// A stream shows that it is alive.
setInterval(() => streams.forEach((stream) => stream.write(":\n\n")), 5000);
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [name, ...rest] = line.split(" ");
    // A path may hold blanks; a count comes last.
    const count = name === "send" ? [rest.pop()] : [];
    commands[name]?.(rest.join(" "), ...count);
  })
  .on("close", () => process.exit(0));
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
