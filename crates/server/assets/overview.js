// The overview page. What the server says is only ever set as text, never as markup.
"use strict";

const API = "/api/v1";
const SHOWN_EVENTS = 50;
const SHOWN_SNAPSHOTS = 20;
let csrfToken = "";
let stream = null;

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

async function call(path, options) {
  const response = await fetch(API + path, { credentials: "same-origin", ...options });
  const text = await response.text();
  const body = text ? JSON.parse(text) : null;
  if (!response.ok) {
    const error = new Error(body && body.detail ? body.detail : "The server did not answer as expected");
    error.status = response.status;
    throw error;
  }
  return body;
}

function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${count.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

const time = (text) => element("time", { datetime: text }, new Date(text).toLocaleString());
const state = (word) => element("span", { class: `state state-${word}` }, word);

function showNumbers(statistics) {
  const pairs = [
    ["Snapshots", statistics.snapshots.toLocaleString()],
    ["Sources", statistics.sources.toLocaleString()],
    ["As if kept whole", bytes(statistics.logical_bytes)],
    ["In the repository", bytes(statistics.stored_bytes)],
  ];
  byId("numbers").replaceChildren(
    ...pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

/** A row whose cells know their column, so that a narrow page can show each with its name. */
function row(heads, cells) {
  return element(
    "tr",
    {},
    ...cells.map((cell, column) => {
      const attributes = { "data-label": heads[column].name };
      if (heads[column].number) attributes.class = "number";
      return element("td", attributes, ...[].concat(cell));
    }),
  );
}

/** Fills the table `id`; `message` stands below it when there is nothing or more than is shown. */
function fill(id, rows, total, message) {
  const body = byId(id);
  const table = body.closest("table");
  const heads = [...table.tHead.rows[0].cells].map((head) => ({ name: head.textContent, number: head.className === "number" }));
  body.replaceChildren(...rows.map((cells) => row(heads, cells)));
  table.hidden = rows.length === 0;
  byId(`${id}-message`).textContent = rows.length === 0 ? message : rows.length < total ? `${rows.length} of ${total}` : "";
}

function showSnapshots(page) {
  const rows = page.snapshots.slice(0, SHOWN_SNAPSHOTS).map((snapshot) => [
    [...(snapshot.label ? [snapshot.label, element("br")] : []), element("span", { class: "id quiet" }, snapshot.id)],
    snapshot.source_name,
    [state(snapshot.state), snapshot.pinned ? " · pinned" : "", snapshot.partial ? " · partial" : "", snapshot.damaged ? " · damaged" : ""],
    time(snapshot.timestamp),
    bytes(snapshot.size_bytes),
    bytes(snapshot.added_bytes),
  ]);
  fill("snapshots", rows, page.total, page.message || "No snapshots available");
}

function showSources(workspaces, snapshots) {
  const newest = (id) => snapshots.snapshots.find((snapshot) => snapshot.source_id === id && snapshot.trigger !== "safety");
  const rows = workspaces.workspaces.map((workspace) => {
    const last = newest(workspace.id);
    return [
      workspace.name,
      "workspace",
      element("code", {}, workspace.root),
      workspace.host,
      last ? [state(last.state), " ", time(last.timestamp)] : element("span", { class: "quiet" }, snapshots.total > snapshots.snapshots.length ? "earlier" : "none yet"),
    ];
  });
  fill("sources", rows, workspaces.total, "No source is registered. Run `backstay workspaces add DIRECTORY`.");
}

/** How far a task is. */
function progress(task) {
  const now = task.progress;
  if (!now || task.state !== "running") return task.error || "";
  const [done, total] = now.bytes_total ? [now.bytes_done, now.bytes_total] : [now.items_done, now.items_total || 0];
  const text = now.bytes_done ? bytes(now.bytes_done) : `${now.items_done} items`;
  if (!total) return text;
  return [element("progress", { value: String(done), max: String(total), "aria-label": `Progress of ${task.kind}` }), ` ${text}`];
}

/** Shows the newest tasks; while one is under way it is looked at every second, because progress is no event. */
function showTasks(page) {
  const rows = page.tasks.map((task) => [
    task.kind.replaceAll("_", " "),
    element("span", { class: "id" }, task.subject || ""),
    state(task.state),
    progress(task),
    time(task.created_at),
  ]);
  fill("tasks", rows, 0, "Nothing was done in the background yet.");
  if (page.tasks.some((task) => task.state === "running" || task.state === "queued")) refreshSoon();
}

function addEvent(event) {
  const list = byId("events");
  list.prepend(
    element(
      "li",
      {},
      element("span", { class: "quiet" }, time(event.timestamp)),
      element("strong", {}, event.action),
      element("span", {}, (event.data && (event.data.name || event.data.label)) || ""),
      element("span", { class: "id" }, event.subject.id),
      element("span", { class: "quiet" }, event.actor.name),
      event.outcome === "ok" ? "" : state(event.outcome),
    ),
  );
  while (list.children.length > SHOWN_EVENTS) list.lastChild.remove();
}

async function refresh() {
  const [statistics, tasks, snapshots, workspaces] = await Promise.all([
    call("/statistics"),
    call("/tasks?limit=8"),
    call("/snapshots?kind=all&limit=200"),
    call("/workspaces?limit=100"),
  ]);
  if (byId("content").hidden) return;
  showNumbers(statistics);
  showTasks(tasks);
  showSnapshots(snapshots);
  showSources(workspaces, snapshots);
}

/** At most one refresh a second, however many events come. */
let refreshTimer = null;
function refreshSoon() {
  if (refreshTimer === null) {
    refreshTimer = setTimeout(() => {
      refreshTimer = null;
      refresh().catch(() => {});
    }, 1000);
  }
}

async function follow() {
  const page = await call("/events?limit=20");
  byId("events").replaceChildren();
  for (const event of page.events.slice().reverse()) addEvent(event);
  const last = page.events.length > 0 ? page.events[0].seq : 0;
  connect(last);
}

// Events have their action as name, and a page cannot listen for every name. So the stream is read by hand.
async function connect(after) {
  stream = new AbortController();
  let seen = after;
  let pause = 500;
  while (!stream.signal.aborted) {
    try {
      const response = await fetch(`${API}/events/stream`, {
        credentials: "same-origin",
        signal: stream.signal,
        headers: { "Last-Event-ID": String(seen) },
      });
      if (response.status === 401) return showSignIn();
      if (!response.ok) throw new Error("no stream");
      byId("events-state").textContent = "Live";
      pause = 500;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const parts = text.split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const data = part.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
          if (!data) continue;
          const event = JSON.parse(data);
          seen = event.seq;
          addEvent(event);
          refreshSoon();
        }
      }
    } catch (error) {
      if (stream.signal.aborted) return;
    }
    byId("events-state").textContent = "Reconnecting";
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 15000);
  }
}

function showSignIn() {
  if (stream) stream.abort();
  byId("who").hidden = true;
  byId("content").hidden = true;
  byId("sign-in").hidden = false;
}

async function showContent(session) {
  csrfToken = session.csrf_token || "";
  byId("who-name").textContent = `${session.actor.name} · ${session.role} · ${session.tenant_id}`;
  byId("who").hidden = false;
  byId("sign-in").hidden = true;
  byId("content").hidden = false;
  await refresh();
  await follow();
}

async function start() {
  try {
    await showContent(await call("/sessions/me"));
  } catch (error) {
    if (error.status !== 401) byId("sign-in-problem").textContent = error.message;
    showSignIn();
  }
}

byId("sign-in-form").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const form = new FormData(submit.target);
  byId("sign-in-problem").textContent = "";
  try {
    const session = await call("/sessions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: form.get("name"), password: form.get("password") }),
    });
    submit.target.reset();
    await showContent(session);
    byId("main").querySelector("h2").focus();
  } catch (error) {
    byId("sign-in-problem").textContent = error.message;
  }
});

byId("sign-out").addEventListener("click", async () => {
  await call("/sessions/me", { method: "DELETE", headers: { "X-CSRF-Token": csrfToken } }).catch(() => {});
  showSignIn();
});

start();
